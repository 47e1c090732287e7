import { keyReused, SlipstreamError } from '@slipstream/kernel';
import { isLive, type PendingOpsEvent, type Posting, type SuspenseDecision } from '@slipstream/slip';
import {
  refundPostings,
  settlePostings,
  suspensePostings,
  writeOffPostings,
} from '../../domain/posting/postings.ts';
import type { KeptDecision, MoneyInSuspense, Proposal, SuspenseReads, SuspenseTx, Verdict } from './ports.ts';

/** What a decision would book; nothing is kept or published. */
export interface DecisionPreview {
  readonly slipId: string;
  readonly decision: SuspenseDecision;
  readonly amount: MoneyInSuspense['amount'];
  readonly postings: readonly Posting[];
}

/** How money leaves suspense by people: one proposes, another approves, and the log's order has the last word. */
export interface DecideSuspense {
  /** @throws SlipstreamError not_found, conflict, idempotency_key_reused */
  propose(proposal: Proposal): Promise<{ readonly kept: KeptDecision; readonly replayed: boolean }>;
  /** @throws SlipstreamError not_found, conflict */
  preview(slipId: string, decision: SuspenseDecision): Promise<DecisionPreview>;
  /** @throws SlipstreamError not_found, conflict, same_person */
  judge(id: string, verdict: Verdict): Promise<KeptDecision>;
}

export interface DecideSuspenseContext {
  readonly reads: SuspenseReads;
  inTransaction<T>(work: (tx: SuspenseTx) => Promise<T>): Promise<T>;
  newId(): string;
  transactionId(eventId: string): string;
}

const service = 'ledger';

export function decideSuspense(context: DecideSuspenseContext): DecideSuspense {
  const { reads, inTransaction } = context;
  return {
    async preview(slipId, decision) {
      const money = fitting(await lying(reads, slipId), decision);
      return { slipId, decision, amount: money.amount, postings: postingsOf(money, decision) };
    },
    async propose(proposal) {
      const replayed = await inTransaction((tx) => propose(tx, proposal));
      return { kept: (await reads.decision(replayed ?? proposal.id))!, replayed: replayed !== null };
    },
    async judge(id, verdict) {
      await inTransaction((tx) => judge(context, tx, id, verdict));
      return (await reads.decision(id))!;
    },
  };
}

/** What `decide` of `domain/hold` books for it. */
function postingsOf(money: MoneyInSuspense, decision: SuspenseDecision): Posting[] {
  const { amount, provider, origin } = money;
  if (decision === 'write_off') return writeOffPostings(money, amount.amount, provider);
  if (origin === 'denied') return suspensePostings(decision, money, amount.amount, provider);
  return decision === 'give_back' ? refundPostings(money) : settlePostings(money, amount.amount, provider);
}

/** Gives the id of what the same request made before; null: this one made it. */
async function propose(tx: SuspenseTx, proposal: Proposal): Promise<string | null> {
  const { id, slipId, decision, reason, by, key, digest } = proposal;
  const replayed = () => sameRequest(tx, by, key, digest);
  const before = await replayed();
  if (before !== null) return before;
  const { decision: known, entry } = fitting(await lying(tx, slipId), decision);
  if (known === null && (await tx.add(proposal, entry))) {
    const request = { operation: 'propose', key, digest: Buffer.from(digest).toString('hex') };
    const action = `suspense_${decision}_proposed`;
    tell(tx, { requestId: id, action, target: slipId, actor: by, reason, request, entry });
    return null;
  }
  // Somebody was faster: perhaps with this very request.
  const faster = await replayed();
  if (faster !== null) return faster;
  throw new SlipstreamError('conflict', 'Somebody has proposed already what becomes of it.');
}

async function sameRequest(
  tx: SuspenseTx,
  by: string,
  key: string,
  digest: Uint8Array,
): Promise<string | null> {
  const before = await tx.byKey(by, key);
  if (before === null) return null;
  if (Buffer.compare(before.digest, digest) === 0) return before.id;
  throw keyReused();
}

async function judge(
  { newId, transactionId }: DecideSuspenseContext,
  tx: SuspenseTx,
  id: string,
  verdict: Verdict,
): Promise<void> {
  const kept = await tx.lock(id);
  if (kept === null) throw new SlipstreamError('not_found', 'There is no such decision.');
  const { type, by, note } = verdict;
  if (kept.status !== 'proposed') {
    // The same word of the same person again.
    if (kept.decidedBy === by && (kept.status === 'declined') === (type === 'decline')) return;
    throw new SlipstreamError('conflict', `It is ${kept.status}; there is nothing to decide.`);
  }
  if (kept.proposedBy === by)
    throw new SlipstreamError('same_person', 'Whoever proposed a decision must not decide about it.');
  const { slipId, decision, reason, proposedBy } = kept;
  if (type === 'decline') {
    await tx.keep(id, verdict, null);
    const action = `suspense_${decision}_declined`;
    tell(tx, { requestId: id, action, target: slipId, actor: by, reason: note });
    return;
  }
  const money = await lying(tx, slipId);
  const { partition, clock, provider, entry } = money;
  // It has lain elsewhere since: of what lies there by now nobody has said this.
  if (money.decision?.id !== id)
    throw new SlipstreamError('conflict', 'What it was proposed for has been moved since; propose anew.');
  const eventId = newId();
  await tx.keep(id, verdict, transactionId(eventId));
  tx.publish({
    ...{ slipId, partition, clock, receivedAt: null, id: eventId },
    event: {
      type: 'SuspenseDecided',
      data: { decision, provider, proposedBy, approvedBy: by, reason, note, entry, decisionId: id },
    },
  });
}

/** A claim is written off, and nothing else is. @throws SlipstreamError conflict */
function fitting(money: MoneyInSuspense, decision: SuspenseDecision): MoneyInSuspense {
  if ((money.origin === 'claimed') === (decision === 'write_off')) return money;
  throw new SlipstreamError(
    'conflict',
    money.origin === 'claimed'
      ? 'Nothing of this slip lies in suspense or is in doubt; what a provider owes for it can be written off.'
      : 'The payer does not have this money yet: give it back or uphold the success.',
  );
}

/** @throws SlipstreamError not_found, conflict */
async function lying(from: Pick<SuspenseReads, 'of' | 'isKnown'>, slipId: string): Promise<MoneyInSuspense> {
  const money = await from.of(slipId);
  if (money === null) {
    if (await from.isKnown(slipId))
      throw new SlipstreamError('conflict', 'Nothing of this slip lies in suspense or is in doubt.');
    throw new SlipstreamError('not_found', `There is no slip ${JSON.stringify(slipId.slice(0, 100))}.`);
  }
  // Its money was moved, or not, long ago.
  if (!isLive(money.clock))
    throw new SlipstreamError('conflict', `The slip is on the clock ${money.clock}: it is history.`);
  return money;
}

type Said = Extract<PendingOpsEvent['event'], { type: 'OperatorActed' }>['data'];

function tell(tx: SuspenseTx, said: Omit<Said, 'service'>): void {
  tx.tell({ subject: service, event: { type: 'OperatorActed', data: { service, ...said } } });
}
