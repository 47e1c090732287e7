import type { Instant, Money, PageOf, PageRequest } from '@slipstream/kernel';
import type { PendingEvent, PendingOpsEvent, SlipKind, SuspenseDecision } from '@slipstream/slip';

/**
 * Why money waits for people. `denied`: the provider denies what was settled; it is claimed from it, and put aside for the payer, who
 * may not spend it. `in_doubt`: the provider executed otherwise than it was asked, so nothing is settled; it is held. `claimed`: the payer
 * has it, and the provider owes it: a claim that may be written off.
 */
export const suspenseOrigins = ['denied', 'in_doubt', 'claimed'] as const;
export type SuspenseOrigin = (typeof suspenseOrigins)[number];

/** Money that only people, or a statement, can move. */
export interface MoneyInSuspense {
  readonly slipId: string;
  readonly partition: number;
  readonly clock: string;
  readonly origin: SuspenseOrigin;
  readonly reference: string | null;
  readonly kind: SlipKind;
  /** Whose it would be. */
  readonly account: string;
  readonly counterparty: string;
  /** On whom it is claimed, or who executed. */
  readonly provider: string;
  readonly amount: Money;
  /** When it was put where it lies. */
  readonly since: Instant;
  /** Which of the slip's entries did that. */
  readonly entry: number;
  /** What somebody wants to become of it; null: nobody has said. */
  readonly decision: Pick<KeptDecision, 'id' | 'decision' | 'status' | 'proposedBy' | 'proposedAt'> | null;
}

/**
 * `proposed`: another person must say. `approved`: it will be booked when the log has come so far. `overtaken`: what lay in
 * suspense had left it by then.
 */
export const decisionStatuses = ['proposed', 'approved', 'booked', 'overtaken', 'declined'] as const;
export type DecisionStatus = (typeof decisionStatuses)[number];

export interface KeptDecision {
  readonly id: string;
  readonly slipId: string;
  readonly decision: SuspenseDecision;
  readonly reason: string;
  readonly proposedBy: string;
  readonly proposedAt: Instant;
  readonly status: DecisionStatus;
  /** The second person's. */
  readonly decidedBy: string | null;
  readonly note: string | null;
  readonly decidedAt: Instant | null;
  /** Of what was booked for it. */
  readonly transactionId: string | null;
}

export interface SuspenseFilter {
  readonly clock: string;
  readonly origin?: SuspenseOrigin | undefined;
  readonly slip?: string | undefined;
  readonly account?: string | undefined;
  readonly provider?: string | undefined;
  readonly currency?: string | undefined;
  /** Whether somebody has said what is to become of it. */
  readonly proposed?: boolean | undefined;
}

export interface DecisionFilter {
  readonly slip?: string | undefined;
  readonly proposedBy?: string | undefined;
  readonly status?: DecisionStatus | undefined;
}

/** Somebody wants money to leave suspense. */
export interface Proposal {
  readonly id: string;
  readonly slipId: string;
  readonly decision: SuspenseDecision;
  readonly reason: string;
  readonly by: string;
  /** Of the request, with a digest of all that it says. */
  readonly key: string;
  readonly digest: Uint8Array;
}

/** What another person says of a proposal. */
export interface Verdict {
  readonly type: 'approve' | 'decline';
  readonly by: string;
  readonly note: string;
}

/** What can be asked; committed rows. */
export interface SuspenseReads {
  /** The oldest slip first; claims where they, or a slip, are asked for. */
  list(filter: SuspenseFilter, page: PageRequest): Promise<PageOf<MoneyInSuspense>>;
  /** Of one slip; null: nothing of it lies there. */
  of(slipId: string): Promise<MoneyInSuspense | null>;
  isKnown(slipId: string): Promise<boolean>;
  decision(id: string): Promise<KeptDecision | null>;
  /** The newest first. */
  decisions(filter: DecisionFilter, page: PageRequest): Promise<PageOf<KeptDecision>>;
}

/** One transaction. */
export interface SuspenseTx extends Pick<SuspenseReads, 'of' | 'isKnown'> {
  /** The decision that the same person's request with this key made. */
  byKey(by: string, key: string): Promise<Pick<Proposal, 'id' | 'digest'> | null>;
  /** False: this money is decided about, or the key was used, by somebody who was faster. */
  add(proposal: Proposal, entry: number): Promise<boolean>;
  /** Nobody else decides about it until the transaction ends. */
  lock(id: string): Promise<KeptDecision | null>;
  keep(id: string, verdict: Verdict, transactionId: string | null): Promise<void>;
  publish(event: PendingEvent): void;
  tell(event: PendingOpsEvent): void;
}
