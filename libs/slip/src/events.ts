import type { Instant, Money } from '@slipstream/kernel';

// These names and shapes are stored for ever (see proto/): add optional fields, never rename or reuse one.

export type SlipKind = 'order' | 'payout' | 'payment';
/** `dispatched`: the gateway calls the provider. `reported`: another internal service reports its answers. */
export type RouteMode = 'dispatched' | 'reported';
export type Outcome = 'succeeded' | 'failed' | 'void';
/** Ranked evidence, strongest first; `report` is an internal service's word for a provider's answer. */
export type Evidence =
  | 'statement_line'
  | 'signed_callback'
  | 'report'
  | 'inquiry_answer'
  | 'synchronous_reply';
/**
 * Until the hold is answered; until people have decided; until the first call is intended; until the provider is heard; from
 * then until its outcome, and of the verdict from the beginning.
 */
export type Stage = 'submitted' | 'review' | 'held' | 'dispatching' | 'returned';
/**
 * Why a word of the provider settles nothing by itself: its protocol does not declare it, its amount cannot be read, or it
 * names the slip by its reference for another one.
 */
export type Doubt = 'word_unknown' | 'amount_unreadable' | 'reference_shared';
export type NotReturnedBasis = 'not_executed' | 'no_answer';
export type CauseClass = 'system' | 'network' | 'user' | 'third_party' | 'configuration' | 'undetermined';

/** How a statement and our books differ. */
export type BreakKind =
  /** A movement of no slip of ours. */
  | 'missing_here'
  /** Paid, as the provider says, and in no statement. */
  | 'missing_there'
  | 'amount'
  | 'currency'
  | 'status'
  | 'duplicate'
  | 'late'
  | 'fee';

/** Free text and metadata: clear, or sealed under a subject's key so that it can be made unreadable later. */
export interface Sealable {
  readonly clear: { readonly text: string; readonly metadata: Readonly<Record<string, string>> } | null;
  readonly sealed: { readonly keyRef: string; readonly ciphertext: Uint8Array } | null;
}

export interface Posting {
  readonly account: string;
  readonly direction: 'debit' | 'credit';
  readonly amount: Money;
}

/** A ledger transaction; its postings sum to zero per currency. */
export interface Transaction {
  readonly id: string;
  readonly type: 'hold' | 'settle' | 'refund' | 'compensate' | 'fee';
  readonly postings: readonly Posting[];
}

export interface Cause {
  readonly class: CauseClass;
  /** Stable code, e.g. `callback_lost`. */
  readonly code: string;
  /** 0 (guess) to 100 (proved). */
  readonly confidence: number;
  readonly summary: string;
  readonly remedy: string;
  /** Ids of the events that show it. */
  readonly evidence: readonly string[];
}

/** Callbacks of a provider whose signature none of our secrets makes, since the call for a slip. */
export interface RefusedCallbacks {
  /** Those about slips that the provider has; at most five a second and instance are looked at. */
  readonly refused: number;
  /** Callbacks of the provider that were accepted meanwhile. */
  readonly accepted: number;
  /** Of the first and the last that was refused. */
  readonly since: Instant;
  readonly until: Instant;
  /** How many slips those refused name, as far as they are told apart: at most eight of a minute. 0: nobody told them apart. */
  readonly slips: number;
}

/** A time in which a service of ours said nothing, though it had meant to speak. */
export interface OwnStall {
  readonly service: string;
  readonly from: Instant;
  readonly until: Instant;
}

/** The policy frozen at submission: later configuration never changes a running slip. */
export interface SlipPolicy {
  readonly graceMs: number;
  readonly quietPeriodMs: number;
  /** When each inquiry is asked, in milliseconds after the slip became overdue. */
  readonly inquiryLadderMs: readonly number[];
  /** How long the stages may take; null: as long as the deadline lets them. */
  readonly stages?: StagePolicy | null;
}

/** A stage without limits is not told of. */
export type StagePolicy = Readonly<Record<Stage, StageLimits | null>>;

/** Milliseconds from the event that begins the stage. */
export interface StageLimits {
  /** 0: there is no warning. */
  readonly warnMs: number;
  /** 0: something else ends the stage. */
  readonly actMs: number;
}

export type StagePoint = 'warn' | 'act';

/** `give_back`: it is the payer's again. `uphold`: the provider's success counts. `write_off`: what is claimed from it never comes. */
export type SuspenseDecision = 'give_back' | 'uphold' | 'write_off';

/** A request over HTTP that was carried out: its answer is kept for ever. */
export interface AnsweredRequest {
  /** `submit`, or a command on a slip that waits. */
  readonly operation: string;
  /** Its Idempotency-Key. */
  readonly key: string;
  /** SHA-256 of all that it says, hex. */
  readonly digest: string;
}

/** What every event tells, by its owner. The rest of a type is derived from its line here, or asked for by the compiler. */
export interface EventData {
  // intake
  SlipSubmitted: {
    caller: string;
    reference: string;
    kind: SlipKind;
    account: string;
    counterparty: string;
    amount: Money | null;
    route: string;
    mode: RouteMode;
    provider: string | null;
    /** The slip may take its payer's account below zero, however far. */
    overdraft: boolean;
    /** So far at most, in minor units of its currency; null: as `overdraft` says (before there was a limit, orders and payments always might). */
    overdraftLimit?: bigint | null;
    reviewRequired: boolean;
    /** When the outcome must have been received. */
    deadline: Instant;
    policy: SlipPolicy;
    /** SHA-256 of the configuration that judged the slip, hex. */
    configDigest: string;
    details: Sealable | null;
    /** The id of the command on the inbound topic that this answers; null: it came over HTTP. */
    commandId?: string | null;
    /** The request that this answers; null: it came over Kafka, or before requests were told. */
    request?: AnsweredRequest | null;
  };
  SlipRejected: {
    caller: string;
    reference: string;
    rule: string;
    detail: string;
    /** JSON pointer (RFC 6901) into the command: what the rule is about. */
    field?: string | null;
    commandId?: string | null;
    /** The slip that stands in the way: it has the reference, or is the same business. */
    firstSlipId?: string | null;
  };
  /** Waits for its caller: nothing is held or sent before SlipSubmitted follows. */
  SlipDrafted: {
    caller: string;
    reference: string;
    kind: SlipKind;
    account: string;
    counterparty: string;
    amount: Money | null;
    route: string;
    /** When DraftReminderDue comes; null: the route reminds of nothing. */
    remindAt: Instant | null;
    /** When it expires unless it was confirmed. */
    expiresAt: Instant;
    configDigest: string;
    details: Sealable | null;
    /** As it was asked for; null: the route decides when it is confirmed. */
    deadline: Instant | null;
    /** As in SlipSubmitted. */
    request?: AnsweredRequest | null;
  };
  DraftReminderDue: { expiresAt: Instant };
  DraftExpired: { expiresAt: Instant };
  /** Taken back by its caller, as a draft or in review. */
  SlipWithdrawn: { by: string; reason: string };
  /** Follows a SlipSubmitted that is to be reviewed; `approvals`: of so many people, the submitter not among them. */
  ReviewRequested: {
    rules: readonly string[];
    approvals: number;
    dueAt: Instant;
    /** The slip of the same business that this one repeats; null: none. */
    firstSlipId: string | null;
    /** From the approval to the latest answer that is in time; null: the caller asked for a deadline, or it was not told yet. */
    outcomeDeadlineMs?: bigint | null;
  };
  ReviewClaimed: { by: string };
  ReviewReleased: { by: string };
  /** An approval that does not suffice: so many are `missing`. */
  ApprovalGiven: { by: string; note: string; missing: number };
  /** From now on the slip is as one without a review; its deadline counts from here. */
  SlipApproved: { by: string; note: string; deadline: Instant };
  /** `reason`: a code; `review_deadline` where nobody decided in time. */
  SlipDeclined: { by: string; reason: string; detail: string };

  // provider-gateway
  DispatchIntended: {
    attempt: number;
    provider: string;
    digest: string;
    notAfter: Instant;
    /** Why this provider, as a stable code; null: the route has no other. */
    reason: string | null;
    /** For people: who else there was, and what spoke against them. */
    detail: string | null;
  };
  DispatchNotSent: { attempt: number; provider: string; reason: string; detail: string };
  DispatchUnanswered: { attempt: number; provider: string; reason: string; detail: string };
  SlipAcknowledged: {
    provider: string | null;
    providerReference: string | null;
    evidence: Evidence;
    providerTime: Instant | null;
  };
  SlipProgressed: { provider: string | null; step: string; evidence: Evidence; providerTime: Instant | null };
  SlipReturned: {
    provider: string | null;
    outcome: Outcome;
    /** The provider's reason code (ISO 20022 where it has one); null when it gave none. */
    reason: string | null;
    /** The amount the provider says it moved; null when it named none. */
    amount: Money | null;
    evidence: Evidence;
    providerReference: string | null;
    providerTime: Instant | null;
    /** What the provider charges for it, beside the amount; null: it named nothing. */
    fee?: Money | null;
    /** Of what was learnt by asking: callbacks that were refused while the slip was waited for; null: none was. */
    callbacksRefused?: RefusedCallbacks | null;
    /** By a line of a statement: the day on which it was booked; parts that come back one after the other differ by it. */
    bookedOn?: string | null;
    /** Of parts of one amount that one statement shows on that day: which one it is; null: the first. */
    occurrence?: number | null;
  };
  AnswerDoubted: {
    provider: string | null;
    doubt: Doubt;
    /** What the provider said, as it came. */
    said: string;
    evidence: Evidence;
    providerReference: string | null;
    providerTime: Instant | null;
  };
  InquiryAnswered: {
    /** 0: the gateway's own questions before the deadline, told when they prove something. */
    inquiry: number;
    provider: string;
    /** `never_sent`: no attempt left this system, and none will. `unclear`: an AnswerDoubted tells what was said. */
    answer: 'returned' | 'pending' | 'not_found' | 'never_sent' | 'no_answer' | 'unclear';
    /** True when rule 3 proves that the provider has not executed the slip and never will. */
    provesNotExecuted: boolean;
    detail: string;
    /** Of `never_sent` without any attempt: whether a provider of its route could be called; null: nobody says. */
    heldUpBy?: 'ourselves' | 'provider' | null;
    /** Callbacks that were refused while the slip was waited for; null: none was. */
    callbacksRefused?: RefusedCallbacks | null;
  };
  /** Callbacks about the slip were refused, and by what was refused since its call it is our secret; once of a slip, also behind its end. */
  CallbackRefused: { provider: string; callbacksRefused: RefusedCallbacks };

  // ledger
  FundsHeld: { transaction: Transaction | null };
  HoldRefused: { reason: string; detail: string };
  /** `part`: which settlement it is where one alone did not use up the hold. */
  SlipSettled: { transaction: Transaction | null; part?: number | null; fee?: Transaction | null };
  /** `requestId`: of the RefundRequested that it answers; null: the provider's failure gave the money back. */
  SlipRefunded: {
    transaction: Transaction | null;
    reason: string;
    requestId?: string | null;
    fee?: Transaction | null;
  };
  RefundRefused: { reason: string; requestId?: string | null };
  /**
   * `reason`: `late_success` after the refund, `late_part` for each further part of that, `reversal` of a settlement, `money_back` by a statement after that,
   * `part_back` where a statement shows that a part of it came back, and the rest stays settled; `given_back`, `upheld` and `written_off`: people decided, and `requestId` is their SuspenseDecided.
   */
  PostingCompensated: {
    transaction: Transaction | null;
    reason: string;
    fee?: Transaction | null;
    requestId?: string | null;
  };
  /**
   * About money in suspense, or held for a success in doubt. `provider`: on whom it is claimed, or who executed. `entry`: which of the slip's
   * entries put it there; null: of before it was told.
   */
  SuspenseDecided: {
    decision: SuspenseDecision;
    provider: string;
    proposedBy: string;
    /** The second person. */
    approvedBy: string;
    reason: string;
    note: string;
    entry?: number | null;
    /** What it is called where it was proposed. */
    decisionId?: string | null;
  };

  // reconciliation
  SlipOverdue: { stage: Stage; deadline: Instant };
  /** `rules`: the version of those that found it; null: they had no number yet. `stalls`: what they knew beside the slip's events. */
  SlipDiagnosed: { cause: Cause; rules?: number | null; stalls?: readonly OwnStall[] };
  /** `requestedBy`, `reason`: of people; null: the ladder asks. */
  InquiryRequested: { inquiry: number; requestedBy?: string | null; reason?: string | null };
  /** `approvedBy`: the second person, where people decided without a proof; null: none was needed. */
  RefundRequested: {
    basis: NotReturnedBasis;
    requestedBy: string;
    approvedBy?: string | null;
    reason?: string | null;
  };
  SlipNotReturned: { basis: NotReturnedBasis; deadline: Instant };
  /** It takes longer than 99.9 % of its kind took (`usualMs`), and its deadline has not passed. */
  SlipSlow: { provider: string; route: string; dispatchedAt: Instant; usualMs: number; deadline: Instant };
  /** A stage takes longer than the slip's policy lets it: `service` should have ended it, `provider` is whose answer that waits for. */
  StageLate: {
    stage: Stage;
    point: StagePoint;
    service: string;
    since: Instant;
    limitMs: number;
    provider: string | null;
  };
  LateReturnFound: { deadline: Instant; receivedAt: Instant; after: 'overdue' | 'not_returned' | 'refunded' };
  CaseOpened: { reason: string; summary: string };
  /** Resolves one reason of the case; all of them where it names none, as before cases had more than one. */
  CaseClosed: { resolution: string; reason: string | null; by?: string | null; note?: string | null };
  /** A line of a statement is about this slip: the strongest evidence, of which the gateway makes SlipReturned. */
  StatementLineMatched: {
    statement: string;
    /** Where it begins in the file. */
    line: number;
    provider: string;
    outcome: Outcome;
    reason: string | null;
    /** null: the line is a word alone. */
    amount: Money | null;
    fee: Money | null;
    providerReference: string | null;
    /** `YYYY-MM-DD` in the statement's own zone. */
    bookedOn: string;
    /** Of lines of one amount on that day that tell what came back: which one of the statement it is; null: the first. */
    occurrence?: number | null;
    /** Its number in the file, from 1: in some files all lines stand on one. Absent: an older release did not tell it. */
    number?: number | null;
    /** What it adds to what statements show as paid, and as come back: signed minor units of the slip's currency. Absent: as above. */
    paid?: bigint | null;
    cameBack?: bigint | null;
  };
  BreakOpened: {
    breakId: string;
    kind: BreakKind;
    statement: string;
    /** null: what is missing there has none. */
    line: number | null;
    /** What our books do not explain: signed minor units. */
    difference: bigint;
    currency: string;
    expected: string;
    seen: string;
    /** The type of the event that should have caused what the statement says; null: none can. */
    awaited: string | null;
    /** The line's number in the file, from 1; null: there is no line. Absent: an older release did not tell it. */
    number?: number | null;
    /** Absent: an older release did not tell it. */
    provider?: string | null;
    /** The outcome, or the fee in minor units, of which the slip would close it; null: none does. */
    wanted?: string | null;
  };
  BreakResolved: {
    breakId: string;
    kind: BreakKind;
    /** `repaired`, `told`; else a code that people gave. */
    resolution: string;
    repairedBy: string | null;
    /** null: it closed itself. */
    by: string | null;
    reason: string | null;
  };
  /** Something about the case that resolves nothing; `code`: `note`, or a stable code for what was done. */
  CaseNoted: { by: string; code: string; text: string };
  /** Who looks after it from now on; null: nobody. */
  CaseAssigned: { by: string; assignee: string | null; note: string };
}

export type SlipEventType = keyof EventData;

export type DataOf<Type extends SlipEventType> = Readonly<EventData[Type]>;

/** One type of event; `SlipEvent` is any of them. */
export type EventOf<Type extends SlipEventType> = { readonly type: Type; readonly data: DataOf<Type> };

export type SlipEvent = { [Type in SlipEventType]: EventOf<Type> }[SlipEventType];

/** An event as it stands in the log: what happened, to which slip, when it was recorded and received. */
export interface RecordedEvent {
  readonly id: string;
  readonly slipId: string;
  readonly source: string;
  /** Rule 4's number: gapless per (source, partition). */
  readonly sequence: bigint;
  /** When the event was committed (database clock); never goes back per (source, partition). */
  readonly time: Instant;
  /** When the evidence became durable here (rule 6); on an imported clock, the importer's time. */
  readonly receivedTime: Instant;
  /** `wall`, or the name of an import's own clock. */
  readonly clock: string;
  readonly event: SlipEvent;
}
