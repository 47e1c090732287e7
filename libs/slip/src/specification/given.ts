import { instantFromMicros, instantToMicros } from '@slipstream/kernel';
import type { RecordedEvent, SlipEvent } from '../events.ts';
import { evolve } from '../evolve.ts';
import type { SlipState } from '../state.ts';

const start = instantToMicros('2026-11-22T10:00:00.000000Z');

/** An event as the log would hold it: one second after the one before; {@link late} puts it after the deadline. */
export function recorded(
  event: SlipEvent,
  index: number,
  overrides: Partial<RecordedEvent> = {},
): RecordedEvent {
  const time = instantFromMicros(start + BigInt(index) * 1_000_000n);
  return {
    id: `event-${index}`,
    slipId: 'slip-1',
    source: '/slipstream/test',
    sequence: BigInt(index + 1),
    time,
    receivedTime: time,
    clock: 'wall',
    event,
    ...overrides,
  };
}

/** Marks an example's event as received a minute after the deadline. */
export function late(event: SlipEvent): Late {
  return { late: event };
}
interface Late {
  readonly late: SlipEvent;
}

/** `given(...events).state` is the slip they make. */
export function given(...events: readonly (SlipEvent | Late)[]) {
  const log = events.map((event, index) =>
    'late' in event
      ? recorded(event.late, index, { receivedTime: '2026-11-22T10:06:00.000000Z' })
      : recorded(event, index),
  );
  const state = fold(log);
  return { log, state: state as SlipState };
}

export function fold(log: readonly RecordedEvent[]): SlipState | null {
  return log.reduce<SlipState | null>(evolve, null);
}
