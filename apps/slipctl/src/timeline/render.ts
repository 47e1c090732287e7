import { type Instant, instantToMs, wallClock } from '@slipstream/kernel';
import { showSpan, showTime } from '../output/show-time.ts';
import { showAmount, tell } from './sentences.ts';
import type { EventView, SlipView } from './views.ts';

/** A slip's life as text: what it is, where it stands, and what happened, one sentence each. */
export function renderTimeline(slip: SlipView, events: readonly EventView[]): string {
  const happened = events.flatMap((event, index) => renderEvent(event, events[index - 1] ?? null));
  return [...header(slip), '', ...happened].join('\n');
}

function header(slip: SlipView): string[] {
  const { outcome, cause } = slip;
  const named: [string, string | null][] = [
    ['slip', `${slip.id}${slip.reference === null ? '' : ` (${slip.reference})`}`],
    ['status', `${slip.status}${outcome ? `, outcome ${outcome}` : ''}${slip.overdue ? ', overdue' : ''}`],
    ['what', whatOf(slip)],
    ['provider', slip.provider],
    ['clock', slip.clock === wallClock ? null : slip.clock],
    ['submitted', at(slip.submitted_at)],
    ['deadline', at(slip.deadline)],
    ['returned', at(slip.returned_at)],
    ['cause', cause && `${cause.class}/${cause.code} (${cause.confidence} %): ${cause.summary}`],
    ['remedy', cause?.remedy || null],
    ['case', slip.case && `${slip.case.status}, opened ${showTime(slip.case.opened_at)}`],
  ];
  return named.flatMap(([name, value]) => (value === null ? [] : [`${name.padEnd(10)} ${value}`]));
}

function whatOf({ kind, amount, account, counterparty }: SlipView): string | null {
  if (kind === null) return null;
  return `${kind}${amount ? ` of ${showAmount(amount)}` : ' without an amount'}, ${account} to ${counterparty}`;
}

function at(time: Instant | null): string | null {
  return time === null ? null : showTime(time);
}

function renderEvent(event: EventView, before: EventView | null): string[] {
  const { sentence, facts } = tell(event.type, event.data);
  const received = event.received_time ?? event.time;
  const passed = instantToMs(event.time) - instantToMs(before?.time ?? event.time);
  const delta = before === null ? '' : `  +${showSpan(passed)}`;
  const notes = received === event.time ? facts : [`received ${showTime(received)}`, ...facts];
  return [
    `${showTime(event.time)}${delta}  ${event.source}`,
    `  ${sentence}`,
    ...notes.map((note) => `    ${note}`),
  ];
}
