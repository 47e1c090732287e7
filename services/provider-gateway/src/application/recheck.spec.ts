import { expect, test } from '@jest/globals';
import { addMs, type Instant } from '@slipstream/kernel';
import type { PendingEvent } from '@slipstream/slip';
import {
  denied,
  dispatch,
  doubtful,
  final,
  inProgress,
  pending,
  t0,
} from '../domain/dispatch/spec-support.ts';
import type { InquiryOutcome, ProviderAnswer } from '../domain/provider/answer.ts';
import { rulesOf } from '../providers/spec-support.ts';
import type { ProofSwitch, Provider, Recheck, Store, StoreTx } from './ports.ts';
import { recordRechecks } from './recheck.ts';

const provedAt = addMs(t0, 10_000);
const ladderMs = [5_000, 10_000, 20_000, 60_000];

/** A slip that was given back on what its provider denied, and what that provider says at these rungs of the ladder. */
async function recheckedAt(outcomes: Readonly<Record<number, InquiryOutcome>>) {
  const asked: Recheck = {
    ...{ slipId: dispatch().slipId, provider: 'acme', provedAt, askedAt: provedAt },
    askedFor: { n: null, route: 'default', traceparent: '' },
  };
  const gone = { status: 'unanswered', attempt: 1, notAfter: t0, firstNotFoundAt: t0 } as const;
  const rows = new Map([[asked.slipId, dispatch({ ...gone, sentMaybe: true, refunded: true })]]);
  const next: (Instant | null)[] = [];
  const events: PendingEvent[] = [];
  const terms = rulesOf(
    { protocol: 'json-callback', secrets: { current: '', next: null } },
    { recheckLadderMs: ladderMs },
  );
  const providers = new Map([['acme', { capabilities: terms } as unknown as Provider]]);
  for (const [rung, outcome] of Object.entries(outcomes)) {
    const tx = {
      dispatches: {
        lock: async () => ({ now: addMs(provedAt, Number(rung)), rows }),
        save: async () => [],
      },
      proofs: {
        recheckAt: async (_: unknown, at: Instant | null) => void next.push(at),
        atRisk: async () => ({ slips: 0, amounts: [], first: [] }),
      },
      proofSwitches: { set: async (_: string, one: ProofSwitch) => one.off },
      tell: () => {},
      observe: () => {},
      publish: (more: readonly PendingEvent[]) => void events.push(...more),
    } as unknown as StoreTx;
    const store: Store = { run: (work) => work(tx) };
    await recordRechecks({ store, providers, count: () => {} }, [{ recheck: asked, outcome }]);
  }
  return { next, types: events.map(({ event }) => event.type) };
}

const said = (answer: ProviderAnswer): InquiryOutcome => ({ kind: 'answered', answer }) as InquiryOutcome;
const rung = (ms: number) => addMs(provedAt, ms);

test('a provider that took the slip after all is asked until it says how it ended', async () => {
  expect(
    await recheckedAt({
      5000: denied,
      10000: said(pending),
      20000: said(inProgress),
      60000: said(final('succeeded')),
    }),
  ).toEqual({
    next: [rung(10_000), rung(20_000), rung(60_000), null],
    types: ['SlipAcknowledged', 'SlipProgressed', 'SlipReturned'],
  });
});

test.each([
  ['an end', final('succeeded'), null],
  ['a failure', final('failed'), null],
  ['what nobody understands', doubtful, rung(10_000)],
  ['an acknowledgement', pending, rung(10_000)],
])('after %s', async (_, answer, next) => {
  expect((await recheckedAt({ 5000: said(answer) })).next).toEqual([next]);
});

test('with the ladder its questions end', async () => {
  expect((await recheckedAt({ 60000: said(pending) })).next).toEqual([null]);
});
