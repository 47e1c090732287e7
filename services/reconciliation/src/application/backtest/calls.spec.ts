import { expect, test } from '@jest/globals';
import { addMs } from '@slipstream/kernel';
import type { RecordedEvent, SlipEvent } from '@slipstream/slip';
import { Calls } from './calls.ts';

const start = '2026-11-22T10:00:00.000000Z';
const startMs = Date.parse('2026-11-22T10:00:00Z');
const window = { failedShare: 0.5, calls: 50, callsMin: 20 };

/** A slip's events, by their milliseconds after the start. */
function slip(...events: readonly (readonly [number, SlipEvent['type'], object])[]): RecordedEvent[] {
  return events.map(([ms, type, data], n) => {
    const time = addMs(start, ms);
    const place = { id: `${n}`, slipId: 's', source: '/slipstream/provider-gateway', clock: 'wall' };
    return { ...place, sequence: BigInt(n), time, receivedTime: time, event: { type, data } as SlipEvent };
  });
}
const intended = (ms: number) => [ms, 'DispatchIntended', { attempt: 1, provider: 'acme' }] as const;
const notSent = (ms: number, reason: string) =>
  [ms, 'DispatchNotSent', { attempt: 1, provider: 'acme', reason }] as const;

function report(slips: readonly RecordedEvent[][], was = 5_000, would = was) {
  const calls = new Calls();
  for (const events of slips) calls.add(events);
  return calls.report(window, (provider) => (provider === 'acme' ? { was, would } : null), startMs + 60_000);
}

test('counts calls as the circuit of the gateway does', () => {
  const unanswered = (reason: string) => [50, 'DispatchUnanswered', { provider: 'acme', reason }] as const;
  const found = report([
    slip(
      intended(0),
      [10, 'SlipAcknowledged', { provider: 'acme' }],
      [20, 'SlipReturned', { provider: 'acme' }],
    ),
    slip(intended(0), [10, 'SlipReturned', { provider: 'acme' }]),
    slip(intended(0), unanswered('timeout')),
    slip(intended(0), unanswered('restart')),
    slip(intended(0), notSent(1, 'connection_refused'), intended(9), notSent(10, 'circuit_open')),
    slip(intended(0), notSent(1, 'too_late')),
    slip(intended(0)),
    slip(intended(0), [10, 'SlipReturned', { provider: 'bolt' }]),
  ]);
  expect(found).toMatchObject([{ provider: 'acme', calls: 6, failed: 2, was: { refused: 1, opened: 0 } }]);
});

/** Twenty calls that fail, one that is refused, and one that is made when the circuit may be tried. */
const outage = [
  ...Array.from({ length: 20 }, (_, n) => slip(intended(n), notSent(n + 100, 'connection_refused'))),
  slip(intended(200), notSent(201, 'circuit_open')),
  slip(intended(6_000), [6_100, 'SlipAcknowledged', { provider: 'acme' }]),
];

test('the rules as they were give what happened, in whatever order slips come', () => {
  const [found] = report(outage.toReversed());
  expect(found!.was).toEqual({ opened: 1, openMs: 6_100 - 119, refused: 1 });
  expect(found!.would).toEqual(found!.was);
  expect([found!.madeWhileOpen, found!.assumed]).toEqual([0, 0]);
});

test('others give what they would have done', () => {
  expect(report(outage, 5_000, 30_000)).toMatchObject([
    { wasOpenMs: 5_000, wouldOpenMs: 30_000, would: { opened: 1, openMs: 60_000 - 119, refused: 2 } },
  ]);
  expect(report(outage, 5_000, 50)).toMatchObject([{ would: { opened: 2, refused: 0 }, assumed: 1 }]);
});

test('a call that one circuit for all would not have made is told', () => {
  const [found] = report([...outage, slip(intended(300), notSent(310, 'connection_refused'))]);
  expect(found!.madeWhileOpen).toBe(1);
});
