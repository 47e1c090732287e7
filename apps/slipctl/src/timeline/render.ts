import { type Instant, instantToMs, wallClock } from '@slipstream/kernel';
import type { LetterView } from '../dlq/views.ts';
import { showAmount } from '../output/show-amount.ts';
import { showSpan, showTime } from '../output/show-time.ts';
import { visibleLine } from '../output/visible.ts';
import { tell } from './sentences.ts';
import type { EventView, SlipView } from './views.ts';

/** A slip's life as text: what it is, where it stands, and what happened, one sentence each. */
export function renderTimeline(
  slip: SlipView,
  events: readonly EventView[],
  letters: readonly SlipLetter[] = [],
): string {
  const numbers = new Map(events.map(({ id, version }) => [id, `#${version}`]));
  const happened = events.flatMap((event, index) => renderEvent(event, events[index - 1] ?? null, numbers));
  return [...header(slip, numbers), '', ...happened, ...letters.flatMap(renderLetter)]
    .map(visibleLine)
    .join('\n');
}

/** A record of the slip that a service could not handle. */
export type SlipLetter = LetterView & { readonly service: string };

function renderLetter({
  service,
  id,
  topic,
  partition,
  offset,
  reason,
  detail,
  status,
  failed_at,
}: SlipLetter) {
  return [
    `${showTime(failed_at)}  ${service}`,
    `  A record of this slip was set aside (${status}): ${reason.replaceAll('_', ' ')}. ${detail}`,
    `    ${topic}:${partition}:${offset}; slipctl dlq show ${id} --service ${service}`,
  ];
}

function header(slip: SlipView, numbers: ReadonlyMap<string, string>): string[] {
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
    ['evidence', cause && cause.evidence.length > 0 ? numbered(cause.evidence.join(', '), numbers) : null],
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

/** Silence that is worth a line of its own. */
const gapMsMin = 60_000;

/** Events are named by their numbers, which the timeline shows. */
function numbered(text: string, numbers: ReadonlyMap<string, string>): string {
  return text
    .split(', ')
    .map((id) => numbers.get(id) ?? id)
    .join(', ');
}

function renderEvent(
  event: EventView,
  before: EventView | null,
  numbers: ReadonlyMap<string, string>,
): string[] {
  const { sentence, facts } = tell(event.type, event.data);
  const received = event.received_time ?? event.time;
  const passed = instantToMs(event.time) - instantToMs(before?.time ?? event.time);
  const delta = before === null ? '' : `  +${showSpan(passed)}`;
  const shown = facts.map((fact) => {
    return fact.startsWith('evidence: ') ? `evidence: ${numbered(fact.slice(10), numbers)}` : fact;
  });
  const notes = received === event.time ? shown : [`received ${showTime(received)}`, ...shown];
  return [
    ...(passed >= gapMsMin ? [`  ... nothing for ${showSpan(passed)} ...`] : []),
    `#${event.version}  ${showTime(event.time)}${delta}  ${event.source}`,
    `  ${sentence}`,
    ...notes.map((note) => `    ${note}`),
  ];
}
