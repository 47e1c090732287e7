import { showTime } from '../output/show-time.ts';
import { table } from '../output/table.ts';
import { tell } from '../timeline/sentences.ts';
import type { EventView } from '../timeline/views.ts';

/** An event of the log: it says of which slip it is, and where it lies. */
export type LoggedEventView = EventView & { readonly slip_id: string; readonly position: string };

export function eventTable(events: readonly LoggedEventView[]): string {
  if (events.length === 0) return 'no events';
  const rows = events.map(({ position, time, slip_id, source, type, data }) => [
    ...[position, showTime(time), slip_id, source.replace('/slipstream/', ''), tell(type, data).sentence],
  ]);
  return table([['position', 'time', 'slip', 'by', 'what happened'], ...rows]);
}
