import { type Instant, must } from '@slipstream/kernel';
import { hear } from '../domain/dispatch/earlier.ts';
import { polled } from '../domain/inquiry/poll.ts';
import { nextRecheck } from '../domain/proof/promise.ts';
import type { InquiryOutcome, ProviderAnswer } from '../domain/provider/answer.ts';
import { asItCounts } from '../domain/provider/finality.ts';
import { Changes, countOdd } from './apply.ts';
import { leases } from './inquire-due.ts';
import type { Capabilities, Count, Providers, Recheck, Store } from './ports.ts';
import { capabilitiesOf } from './record-outcomes.ts';
import type { Slots } from './slots.ts';

/** Questions of one round to a provider: they wait behind every other. */
const perRoundMax = 1;

export interface RecheckParts {
  readonly store: Store;
  readonly providers: Providers;
  readonly slots: Slots;
  readonly count: Count;
  readonly clockTrouble: () => string | null;
}

export interface AnsweredRecheck {
  readonly recheck: Recheck;
  readonly outcome: InquiryOutcome;
}

/**
 * Asks again about slips that their provider provably did not execute, by its ladder: whether it kept its promise.
 * @param record writes an answer to the store; must not reject
 * @returns how many were asked about
 */
export async function recheckDue(
  { store, providers, slots, clockTrouble }: RecheckParts,
  record: (answered: AnsweredRecheck) => Promise<void>,
): Promise<number> {
  if (clockTrouble() !== null) return 0;
  const free = new Map([...slots.free()].map(([id, places]) => [id, Math.min(places, perRoundMax)]));
  const due = await store.run((tx) => tx.proofs.claimRechecks(free, leases(providers)));
  for (const recheck of due) {
    slots.run(
      recheck.provider,
      () => ask(providers, recheck, record),
      () => {},
    );
  }
  return due.length;
}

async function ask(
  providers: Providers,
  recheck: Recheck,
  record: (answered: AnsweredRecheck) => Promise<void>,
): Promise<void> {
  const provider = must(providers.get(recheck.provider), `provider ${recheck.provider} is not configured`);
  const { outcome, released } = await provider.inquire(recheck.slipId, recheck.askedFor);
  await record({ recheck, outcome });
  await released;
}

/** Records what was answered: it is evidence like any other. */
export async function recordRechecks(
  { store, providers, count }: Pick<RecheckParts, 'store' | 'providers' | 'count'>,
  answers: readonly AnsweredRecheck[],
): Promise<void> {
  await store.run(async (tx) => {
    const { now, rows } = await tx.dispatches.lock([
      ...new Set(answers.map(({ recheck }) => recheck.slipId)),
    ]);
    const changes = new Changes(rows, now);
    for (const { recheck, outcome } of answers) {
      const dispatch = changes.get(recheck.slipId);
      const terms = providers.get(recheck.provider)?.capabilities ?? null;
      const said = dispatch && outcome.kind === 'answered' ? outcome.answer : null;
      const answer = dispatch && said ? asItCounts(said, dispatch, now, terms) : null;
      await tx.proofs.recheckAt(recheck, whenAgain(recheck, answer, now, terms));
      if (!dispatch || !said || !answer) continue;
      changes.heard(recheck.slipId, recheck.provider, said, now, terms);
      const receipt = { answer, evidence: 'inquiry_answer', receivedAt: null, now } as const;
      const received = hear(dispatch, recheck.provider, receipt);
      changes.apply(polled(received, now, capabilitiesOf(providers, received.dispatch)));
      countOdd(received, count);
    }
    await changes.write(tx);
  });
}

/**
 * Who took the slip after all is asked until it says how it ended: nobody else asks about a slip that was given back.
 * @param answer null: it says that it does not have the slip, or nothing
 */
function whenAgain(
  { provedAt }: Recheck,
  answer: ProviderAnswer | null,
  now: Instant,
  terms: Capabilities | null,
): Instant | null {
  return answer?.kind === 'returned' ? null : nextRecheck(provedAt, now, terms?.recheckLadderMs ?? []);
}
