import type { Instant, Money } from '@slipstream/kernel';
import { SlipstreamError } from '@slipstream/kernel';
import type { OpsEvent, PendingEvent, PendingOpsEvent, RefusedCallbacks } from '@slipstream/slip';
import type { CallLimits } from '../domain/dispatch/attempt.ts';
import type { Dispatch, NewInquiry } from '../domain/dispatch/state.ts';
import type { Inquiry, Said } from '../domain/inquiry/inquiry.ts';
import type { PollLimits } from '../domain/inquiry/poll.ts';
import type { Certificate } from '../domain/proof/certificate.ts';
import type { AttemptDenials } from '../domain/proof/denials.ts';
import type {
  CallOutcome,
  CancelOutcome,
  InquiryOutcome,
  ProviderAnswer,
} from '../domain/provider/answer.ts';
import type { DelayCount, ObservedDelay } from '../domain/provider/delays.ts';
import type { FinalityTerms } from '../domain/provider/finality.ts';
import type { ProbeSigns } from '../domain/provider/health.ts';
import type { ReportedResult } from '../domain/result/reported-result.ts';
import type { DayTerms } from '../domain/statement/days.ts';
import type { ClockMarks } from '../domain/watermark/bounds.ts';
import type { UnmatchedFilter, UnmatchedPage, UnmatchedPlace } from './unmatched.ts';

/** Runs work in one database transaction. */
export interface Store {
  run<T>(work: (tx: StoreTx) => Promise<T>): Promise<T>;
}

/** Where a committed event stands: its number within its partition of the slips' events. */
export interface EventPlace {
  readonly topic: string;
  readonly partition: number;
  readonly seq: bigint;
}

/**
 * True once the event is on the topic, where it outlives this database; false when it is not at `untilMs` (monotonic
 * clock), or when nobody knows any more whether it ever comes there.
 */
export type WhenOnTopic = (place: EventPlace, untilMs: number) => Promise<boolean>;

/** The way of committed events to the topic. */
export interface EventLog {
  /** To be taken before the transaction whose events are waited for. */
  watch(): WhenOnTopic;
}

/**
 * One transaction. Rows are always locked in this order, so that transactions never wait for each other in a circle:
 * keyed commands, callbacks, statements, people's question of a slip, inquiries, dispatches by id, parked results, then what
 * providers denied (by slip and attempt) and whether they are believed (by provider); what is published is numbered last.
 */
export interface StoreTx {
  /** The database's clock, now. */
  now(): Promise<Instant>;
  readonly dispatches: Dispatches;
  readonly inquiries: Inquiries;
  readonly callbacks: Callbacks;
  readonly statements: Statements;
  readonly parked: ParkedResults;
  readonly clocks: ClockMarkStore;
  readonly providerStates: ProviderStates;
  readonly proofSwitches: ProofSwitches;
  readonly delays: Delays;
  readonly callbackCounts: CallbackCounts;
  readonly commands: Commands;
  readonly proofs: Proofs;
  /** What has no slip yet, the oldest first, after a place; at most `limit`. */
  unmatched(filter: UnmatchedFilter, after: UnmatchedPlace | null, limit: number): Promise<UnmatchedPage>;
  publish(events: readonly PendingEvent[]): void;
  /** Delays that this transaction has seen; they count once it is committed. */
  observe(delays: readonly ObservedDelay[]): void;
  /** Publishes what belongs to no slip. */
  tell(events: readonly PendingOpsEvent[]): void;
  /**
   * `then` is called once the transaction is known to be committed, with the place of each event that it published;
   * `otherwise` when it is not, or nobody knows.
   */
  afterCommit(then: (places: readonly EventPlace[]) => void, otherwise: () => void): void;
}

/** Slips of a route that are due, and for which their provider has no room. */
export interface RouteLine {
  readonly route: string;
  readonly waitMs: number;
}

export interface Dispatches {
  /**
   * Locks and loads the rows that exist; `now` is the database's clock, `disabled` are the providers that are not to be
   * called, `distrusted` those whose NOT_FOUND prove nothing.
   */
  lock(slipIds: readonly string[]): Promise<{
    now: Instant;
    rows: Map<string, Dispatch>;
    disabled: ReadonlySet<string>;
    distrusted: ReadonlySet<string>;
  }>;
  /** Locks and loads by the caller's name of a slip. */
  lockByReference(references: readonly SlipReference[]): Promise<readonly Dispatch[]>;
  /**
   * Rows whose next attempt is due and whose deadline has not passed, at most `limit` per provider that is not disabled,
   * the nearest deadlines first; rows that others hold are passed over, and those that went on from a provider whose word is
   * not trusted any more.
   */
  lockDue(limits: ReadonlyMap<string, number>): Promise<{ now: Instant; due: readonly Dispatch[] }>;
  /** Rows whose attempt was abandoned: their lease ran out. */
  lockAbandoned(limit: number): Promise<AbandonedAttempts>;
  /** Rows whose attempt is under way in the name of this owner. */
  lockOwned(owner: string, limit: number): Promise<AbandonedAttempts>;
  /** Rows that wait to be sent to a provider by a route, the nearest deadlines first; rows that others hold are passed over. */
  lockStuck(
    places: readonly { readonly provider: string; readonly route: string }[],
    limit: number,
  ): Promise<{ now: Instant; stuck: readonly Dispatch[] }>;
  /** Writes rows; gives those to which their provider just gave the reference that it gave to another slip, too. */
  save(dispatches: readonly Dispatch[]): Promise<readonly SharedReference[]>;
  /** Takes at most `limit` rows whose deadline lies at or before this time off the list of what is due. */
  giveUp(before: Instant, limit: number): Promise<number>;
  /** How many slips without an end a provider has, by status. */
  countOpen(provider: string): Promise<ReadonlyMap<string, number>>;
  /**
   * Slips without an end that a provider has, by what is known of each. `acceptanceDelayMaxMs` is its declared bound: from
   * it follows when two NOT_FOUND can prove at the latest that it did not execute one (rule 3).
   */
  countByProof(provider: string, acceptanceDelayMaxMs: number | null): Promise<readonly ProofCount[]>;
  /**
   * Takes slips whose poll is due, at most `limits` of each provider. They count as asked now, and are nobody else's for
   * `leaseMs`.
   */
  claimPolls(
    limits: ReadonlyMap<string, number>,
    leaseMs: ReadonlyMap<string, number>,
  ): Promise<{ now: Instant; due: readonly Dispatch[] }>;
  /** Makes the poll of a slip due now, if its provider may have it and has not decided; gives whether it did, and whether it has it at all. */
  pollNow(
    provider: string,
    slipId: string,
  ): Promise<{ readonly willBeAsked: boolean; readonly hasIt: boolean }>;
  /** How long the first of the slips that are due for these providers stands in line, by route. */
  lines(providers: readonly string[]): Promise<readonly RouteLine[]>;
  /** Whether a slip on the wall clock still waits for its end. */
  anyOpen(): Promise<boolean>;
  /** Whether anything may become due for a worker by the time alone: a call, a question, an answer kept for a slip. */
  anyInHand(): Promise<boolean>;
}

export interface AbandonedAttempts {
  readonly now: Instant;
  readonly abandoned: readonly Dispatch[];
  /** Providers whose NOT_FOUND prove nothing. */
  readonly distrusted: ReadonlySet<string>;
}

/** What is known of where a slip is: it provably never left, was provably not executed, or neither. */
export type ProofState = 'never_sent' | 'not_executed' | 'unknown';

/** Slips of one route, one currency (null: without an amount) and one state of proof. */
export interface ProofCount {
  readonly state: ProofState;
  readonly route: string;
  readonly currency: string | null;
  readonly slips: number;
  readonly amount: bigint;
  /** When the latest of them is known at the latest; null: for none of them that can be said. */
  readonly certainBy: Instant | null;
  /** Of how many of them nobody can say that: the provider has taken them, or declares no bound. */
  readonly open: number;
}

/** What people decided about a provider. */
export interface ProviderState {
  readonly disabled: boolean;
  readonly reason: string;
  /** The subject of the token that did it. */
  readonly actor: string;
  readonly changedAt: Instant;
}

export interface ProviderStates {
  /** Those about which anything was ever decided. */
  all(): Promise<ReadonlyMap<string, ProviderState>>;
  /** Gives false when it stood so already: then nothing is changed. */
  set(provider: string, state: Omit<ProviderState, 'changedAt'>): Promise<boolean>;
}

/** Whether a provider's NOT_FOUND prove anything: not since it broke its promise, until people restore it. */
export interface ProofSwitch {
  readonly off: boolean;
  readonly reason: string;
  /** Who did it: people, or this service. */
  readonly actor: string;
  readonly changedAt: Instant;
}

export interface ProofSwitches {
  /** Of those that ever broke it. */
  all(): Promise<ReadonlyMap<string, ProofSwitch>>;
  /** Gives false when it stood so already: then nothing is changed. */
  set(provider: string, state: Omit<ProofSwitch, 'changedAt'>): Promise<boolean>;
}

export interface SharedReference {
  readonly slipId: string;
  /** The slip that had it before. */
  readonly other: string;
}

export interface SlipReference {
  readonly caller: string;
  readonly reference: string;
}

/** An inquiry as it was claimed. */
export interface ClaimedInquiry extends Inquiry {
  readonly askedAt: Instant;
}

export interface Inquiries {
  /** Adds inquiries; one that exists stays as it is, but for this service's own about a later call: it begins anew. */
  add(inquiries: readonly NewInquiry[]): Promise<void>;
  /**
   * Takes due inquiries, the reconciler's first, at most `limits` of each provider; of providers not named in `leaseMs`,
   * which are not configured any more, a hundred. They count as asked now and are nobody else's for `leaseMs`.
   */
  claimDue(
    limits: ReadonlyMap<string, number>,
    leaseMs: ReadonlyMap<string, number>,
  ): Promise<{ now: Instant; due: readonly ClaimedInquiry[] }>;
  /** Makes inquiries due at a later time. */
  postpone(until: ReadonlyMap<Inquiry, Instant>): Promise<void>;
  /** Locks the inquiries and gives those that nobody answered yet. */
  lockUnanswered(inquiries: readonly Inquiry[]): Promise<ReadonlySet<string>>;
  /** With what was said, where it is known. */
  markAnswered(inquiries: readonly (Inquiry & { readonly said?: Said | undefined })[]): Promise<void>;
  /** The question that people put about a slip last; its row is locked, if it is to be changed. */
  askedByPeople(slipId: string, change: boolean): Promise<PeoplesQuestion | null>;
  /** Puts people's question, in the place of the one before. */
  askForPeople(question: Omit<NewInquiry, 'n'>): Promise<void>;
}

/** A question that people put, and what came of it. */
export interface PeoplesQuestion {
  readonly slipId: string;
  readonly provider: string;
  readonly status: 'due' | 'asking' | 'answered';
  /** When it is asked, or was to be. */
  readonly askAt: Instant;
  readonly askedAt: Instant | null;
  readonly said: Said | null;
}

export interface SlipDenials extends AttemptDenials {
  readonly slipId: string;
  /** When its provider is asked about it again; null: not. */
  readonly recheckAt: Instant | null;
}

/** A slip that its provider denied, and is to be asked about again. */
export interface Recheck {
  readonly slipId: string;
  readonly provider: string;
  readonly askedFor: AskedFor;
  readonly askedAt: Instant;
  /** When the proof was complete. */
  readonly provedAt: Instant;
}

/** Money by currency, in minor units. */
export interface RiskOf {
  readonly slips: number;
  readonly amounts: readonly Money[];
  /** The first of them. */
  readonly first: readonly string[];
}

/** What proves that slips were not executed, as it came, and the certificates of it. */
export interface Proofs {
  /** Keeps what a provider denied; a later state of an attempt takes the place of the one before. */
  keep(denials: readonly SlipDenials[]): Promise<void>;
  /** What is kept of these slips, by slip; `now` is the database's clock. */
  of(
    slipIds: readonly string[],
  ): Promise<{ now: Instant; kept: ReadonlyMap<string, readonly AttemptDenials[]> }>;
  /** Takes what is to be asked again, at most `limits` of each provider; it is nobody else's for `leaseMs`. */
  claimRechecks(
    limits: ReadonlyMap<string, number>,
    leaseMs: ReadonlyMap<string, number>,
  ): Promise<readonly Recheck[]>;
  /** When a slip is asked about again; null: not any more. */
  recheckAt(recheck: Pick<Recheck, 'slipId' | 'provider'>, at: Instant | null): Promise<void>;
  /** What rests on what a provider denied, and is still asked about; without these slips, which are known to be wrong. */
  atRisk(provider: string, without: readonly string[]): Promise<RiskOf>;
  /** Signs and keeps certificates; a slip's first one stays. */
  certify(certificates: readonly Certificate[]): Promise<void>;
  /** A slip's signed certificate, as it was made; null: it has none. */
  certificate(slipId: string): Promise<string | null>;
}

/** Delays of providers as they really are. */
export interface Delays {
  add(counts: readonly DelayCount[]): Promise<void>;
  of(provider: string): Promise<readonly DelayCount[]>;
}

/** Callbacks of a provider that were accepted, or refused because none of our secrets makes their signature. */
export interface CallbackCount {
  readonly provider: string;
  readonly refused: number;
  /** Of these, about slips that the provider has. */
  readonly aboutItsSlips: number;
  /** Which, each once, and no more than are told apart. */
  readonly slips: readonly string[];
  readonly accepted: number;
}

export type TellableRefusals = Extract<OpsEvent, { type: 'CallbacksRefused' }>['data'];

/** Callbacks by the minute in which they came, kept for a day. */
export interface CallbackCounts {
  /** Counts them in the minute that is now. */
  add(counts: readonly CallbackCount[]): Promise<void>;
  /** Takes, once for ever, what was refused in minutes that are over, by provider; `isMoreUntold`: some is left for later. */
  takeTellable(): Promise<{ readonly told: readonly TellableRefusals[]; readonly isMoreUntold: boolean }>;
  /** Slips that what was refused in the last hour names and that were not told of it, of these providers; a bounded number. */
  untoldSlips(
    providers: readonly string[],
  ): Promise<readonly { readonly slipId: string; readonly provider: string }[]>;
  /** These were told of it now. */
  slipsTold(providers: readonly string[], slipIds: readonly string[]): Promise<void>;
  /** What was refused since the minute of the call for each of these slips, by slip; those beside which none was are left out. */
  beside(
    slips: readonly { readonly slipId: string; readonly provider: string; readonly calledAt: Instant }[],
  ): Promise<ReadonlyMap<string, RefusedCallbacks>>;
}

/** Keyed commands of people, kept for ever: the same request again gets the same answer. */
export interface Commands {
  /**
   * Takes the key for this command; waits for whoever has it in another transaction.
   * @returns null: it is new; otherwise what it was used for
   */
  take(command: CommandKey): Promise<UsedKey | null>;
  /** Keeps the answer. */
  answered(command: CommandKey, answer: unknown): Promise<void>;
}

export interface CommandKey {
  readonly caller: string;
  readonly key: string;
  /** SHA-256 of all that the request says, hex. */
  readonly digest: string;
}

export interface UsedKey {
  readonly digest: string;
  readonly answer: unknown;
}

export interface StoredCallback {
  readonly provider: string;
  readonly webhookId: string;
  readonly slipId: string;
  readonly body: Uint8Array;
}

export interface Callbacks {
  /** Stores callbacks and tells which of them (by index) are new: one that was unreadable is, when it comes again. */
  add(callbacks: readonly StoredCallback[]): Promise<ReadonlySet<number>>;
  /** Tells which of them (by index) are stored with another body under the same webhook id. */
  differing(callbacks: readonly StoredCallback[]): Promise<ReadonlySet<number>>;
  markHandled(
    callbacks: readonly (Pick<StoredCallback, 'provider' | 'webhookId'> & { readonly handled: string })[],
  ): Promise<void>;
  /**
   * Locks orphans whose slip was given to their provider after all, among `limit` orphans behind `after`; those that others
   * hold are passed over. `next` is where to go on, null at the end.
   */
  lockMatched(
    after: OrphanPlace,
    limit: number,
  ): Promise<{ matched: readonly StoredCallback[]; next: OrphanPlace | null }>;
}

/** Where an orphaned callback stands among all. */
export type OrphanPlace = Pick<StoredCallback, 'slipId' | 'provider' | 'webhookId'>;

/** A daily statement that this instance reads. */
export interface ClaimedStatement {
  readonly provider: string;
  /** `YYYY-MM-DD` in the provider's zone. */
  readonly day: string;
  /** How often it was begun, this time included: who was overtaken has an earlier number. */
  readonly tries: number;
  /** Of the body of which lines were handled; null: of none. */
  readonly digest: string | null;
  readonly handled: number;
  readonly unmatched: number;
}

/** A line that has no slip, or (`problem`) from which nothing can be learnt. */
export interface UnmatchedLine {
  readonly line: number;
  readonly said: string;
  readonly slipId: string | null;
  readonly problem: string | null;
}

/** A statement as operators see it. */
export interface StatementState {
  readonly day: string;
  readonly status: 'due' | 'reading' | 'read';
  readonly tries: number;
  /** Lines that were handled, and how many of them had no slip. */
  readonly lines: number;
  readonly unmatched: number;
  /** Why the last try failed; null: it did not. */
  readonly problem: string | null;
  readonly nextAt: Instant | null;
  readonly readAt: Instant | null;
}

export interface Statements {
  /** The latest day that is known of, by provider. */
  latestDays(): Promise<ReadonlyMap<string, string>>;
  /** Puts days on the list; those that are on it stay as they are. */
  add(days: readonly Pick<ClaimedStatement, 'provider' | 'day'>[]): void;
  /** Takes the oldest that is due; it is nobody else's for `leaseMs`. Null: there is none. */
  claim(providers: readonly string[], leaseMs: number): Promise<ClaimedStatement | null>;
  /** Of a body that took the place of another one: forgets the lines that were kept of that, and reads from the beginning. */
  restart(claimed: ClaimedStatement): void;
  /** Another day of its provider whose statement was these very bytes, and had lines; null: there is none. */
  dayOf(claimed: ClaimedStatement, digest: string): Promise<string | null>;
  /** Locks one that was claimed; false: somebody else has it by now. */
  hold(claimed: ClaimedStatement): Promise<boolean>;
  advance(
    claimed: ClaimedStatement,
    progress: Pick<ClaimedStatement, 'handled' | 'unmatched'> & { readonly digest: string },
    leaseMs: number,
  ): void;
  finish(claimed: ClaimedStatement, digest: string): void;
  /** It is tried again after so long. */
  putOff(claimed: ClaimedStatement, problem: string, waitMs: number): void;
  keep(claimed: ClaimedStatement, lines: readonly UnmatchedLine[]): void;
  /** The latest of a provider, at most `limit`. */
  latestOf(provider: string, limit: number): Promise<readonly StatementState[]>;
}

export interface TakenResult {
  readonly result: ReportedResult;
  /** The watermark has passed its receipt: it was said that no slip of it would come. */
  readonly orphaned: boolean;
}

export interface ParkedResults {
  add(results: readonly ReportedResult[]): Promise<void>;
  /** Keeps for people what can be told of no slip: it holds nothing back. */
  setAside(results: readonly ReportedResult[]): Promise<void>;
  /** Removes and gives what waits for these slips, what was called an orphan too: its slip came after all. */
  take(references: readonly SlipReference[]): Promise<readonly TakenResult[]>;
  /**
   * Slips that are past waiting for a hold and have parked results all the same, among about `limit` results behind
   * `after`; `next` is where to go on, null at the end.
   */
  released(
    after: SlipReference,
    limit: number,
  ): Promise<{ released: readonly SlipReference[]; next: SlipReference | null }>;
  /** Marks as orphans what was received up to `upTo` and has no slip, once `reached` has been read. */
  orphan(
    clock: string,
    upTo: Instant,
    reached: readonly { readonly partition: number; readonly offset: bigint }[],
  ): Promise<number>;
  /** Receipt of the oldest that waits, by clock; those whose slip lies with the dead letters are left out. */
  oldest(): Promise<ReadonlyMap<string, Instant>>;
}

export interface ClockMark {
  readonly clock: string;
  readonly partition: number;
  readonly time: Instant;
  readonly closed: boolean;
}

export interface ClockMarkStore {
  /** Moves the marks of the results topic forward. */
  advance(marks: readonly ClockMark[]): Promise<void>;
  /** How far each clock has come. */
  all(): Promise<readonly ClockMarks[]>;
}

/** The order as a provider gets it. */
export interface PreparedCall {
  readonly slipId: string;
  readonly body: Uint8Array;
  /** SHA-256 of the body, hex. */
  readonly digest: string;
}

/** A callback after its signature was checked, in our words. */
export interface CallbackMessage {
  readonly slipId: string;
  readonly answer: ProviderAnswer;
}

/** A callback that is signed as it must be, and from which nothing can be learnt about a slip; why, for people. */
export interface UnreadableMessage {
  readonly problem: string;
  /** It is not of the form that all its messages have: no JSON, for one that speaks JSON. */
  readonly isMalformed?: boolean;
  /** The slip that it names all the same; absent: none can be read. */
  readonly names?: string;
}

/** A line of a statement, as it came, and what it says of a slip; or why nothing can be learnt from it. */
export type StatementLine = { readonly line: number; readonly said: string } & (
  | CallbackMessage
  | UnreadableMessage
);

export type FetchedStatement =
  /** `digest`: SHA-256 of its body, hex. `lines` are read as they are asked for. */
  | { readonly kind: 'statement'; readonly digest: string; readonly lines: Iterable<StatementLine> }
  /** There is none, or none that can be read; why, for people. */
  | { readonly kind: 'no_answer'; readonly detail: string };

/** The daily statements of one provider. */
export interface StatementSource extends DayTerms {
  /** Fetches the statement of a day (`YYYY-MM-DD` in the zone). Never throws. */
  fetch(day: string): Promise<FetchedStatement>;
}

/** Asks a provider whether it is there; nothing that it answers is about a slip. */
export interface Probe {
  readonly everyMs: number;
  /** Never throws. */
  ask(): Promise<{ readonly kind: 'answered' } | { readonly kind: 'no_answer'; readonly detail: string }>;
}

/** The headers of a callback, by lower-case name, each with every value that came. */
export type CallbackHeaders = Readonly<Record<string, readonly string[] | undefined>>;

/** None of our secrets makes the signature of a callback: it is forged, or the secret is another than the provider's. */
export class SignatureMismatch extends SlipstreamError {
  constructor() {
    super('signature_invalid', 'The signature does not match.');
  }
}

/** Reads the callbacks of one provider; `body` is exactly what came. */
export interface CallbackReader {
  /**
   * Checks and reads a callback. The webhook id is the same when the provider repeats it.
   * @throws SlipstreamError signature_invalid; a {@link SignatureMismatch} where it is the signature itself
   */
  read(
    body: Buffer,
    headers: CallbackHeaders,
  ): { readonly webhookId: string; readonly message: CallbackMessage | UnreadableMessage };
  /** Reads a body that was checked before; of any other it is no more than a hint. */
  understand(body: Buffer): CallbackMessage | UnreadableMessage;
}

/** How a call ended, and when its slot is free again: a call that was given up may still wait for a connection. */
export interface Ended<Outcome> {
  readonly outcome: Outcome;
  /** Of the answer, where one came and its protocol has such a thing; for people alone. */
  readonly httpStatus?: number;
  readonly released: Promise<void>;
}

/** For whom a question is put: for those who count calls and tell of them. It is not said to the provider; absent where no slip is asked about. */
export interface AskedFor {
  /** The number of the question; null: it has none, for it is asked whether a provider keeps its promise. */
  readonly n: number | null;
  readonly route: string;
  /** Of the request that began the slip. */
  readonly traceparent: string;
}

/** A protocol's words for each state. */
export interface Words {
  readonly acknowledged: readonly string[];
  readonly progressed: readonly string[];
  readonly succeeded: readonly string[];
  readonly failed: readonly string[];
  readonly void: readonly string[];
}

/** What a provider can do, and the bounds that its rules declare. */
export interface Capabilities extends CallLimits, PollLimits, FinalityTerms {
  readonly words: Words;
  /** When it is asked again about a slip that it provably did not execute, after the proof; ascending. */
  readonly recheckLadderMs: readonly number[];
  /** Dispatch calls in flight, over all instances. */
  readonly concurrencyMax: number;
  /** After too many failures no dispatch call is made for so long; then one tries it again. */
  readonly circuitOpenMs: number;
  /** By its "too many requests" it declares that it took nothing: such a call counts as not sent. */
  readonly throttledMeansNotTaken: boolean;
  /** It declares that the same call again is the same order to it: a call without an answer may be repeated. */
  readonly idempotentByReference: boolean;
  /** It declares that it never executes what it has confirmed to be cancelled by our reference, also what reaches it later. */
  readonly cancelByReference: boolean;
  /** Inquiries in flight, over all instances, beside the dispatch calls. */
  readonly inquiryConcurrencyMax: number;
}

/**
 * One provider. Everything about its API stays behind this port; what every implementation has to keep is in
 * `src/providers/contract.spec.ts`.
 */
export interface Provider {
  readonly id: string;
  readonly capabilities: Capabilities;
  prepare(dispatch: Dispatch): PreparedCall;
  /** Makes one call, and writes nothing to the network after `startBeforeMs` (monotonic clock). Never throws. */
  send(call: PreparedCall, startBeforeMs: number): Promise<Ended<CallOutcome>>;
  /** Asks about a slip. Never throws. */
  inquire(slipId: string, askedFor?: AskedFor): Promise<Ended<InquiryOutcome>>;
  /** Tells it never to execute a slip that it does not know. Never throws. Null for one that takes no cancellations. */
  readonly cancel: ((slipId: string, askedFor?: AskedFor) => Promise<Ended<CancelOutcome>>) | null;
  /** Null for a provider that makes no callbacks. */
  readonly callbackReader: CallbackReader | null;
  /** Null for a provider that gives none, or whose rules do not say when they are whole. */
  readonly statements: StatementSource | null;
  /** Null for one that is not asked. */
  readonly probe: Probe | null;
  /** Ends every call and closes the connections. */
  close(): Promise<void>;
}

export type Providers = ReadonlyMap<string, Provider>;

/** How the routes' retries wait; by route id. */
export type RetryLimits = (route: string) => { readonly retryInitialMs: number; readonly retryMaxMs: number };

/** What calls to the providers have come to lately, seen from this instance. */
export interface Circuits {
  /** How many calls may be in flight to a provider of these: none while its circuit is open, one to try it again. */
  allowed(provider: string, concurrencyMax: number): number;
  /**
   * How many questions may be in flight of these. While too many of them get no answer, each is answered at once as having none, and
   * takes no connection; then one tries it again.
   */
  questions(provider: string, concurrencyMax: number): number;
  /** False while its circuit is not closed, or its probes fail. */
  isHealthy(provider: string): boolean;
  view(provider: string): CircuitView;
}

/** The latest calls to a provider, at most a minute old, and whether more are made. */
export interface CircuitView {
  readonly state: 'closed' | 'open' | 'half_open';
  /** The same of its questions. */
  readonly inquiries: 'closed' | 'open' | 'half_open';
  readonly calls: number;
  /** Calls that ended without a usable answer, for whatever reason; of those, how many by time. */
  readonly failures: number;
  readonly timeouts: number;
  /** Time to the end of a call; null where there was none. */
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
  readonly p99Ms: number | null;
  /** Of its probes; null: it is not asked. */
  readonly probe: ProbeSigns | null;
}

/** In [0, 1). */
export type Random = () => number;

/** Things that are counted for people. */
export type Counted =
  | 'contradiction'
  /** A word that settles nothing. */
  | 'doubtful_answer'
  /** For its signature or its age. */
  | 'refused_callback'
  | 'orphan_callback'
  | 'unreadable_callback'
  | 'unmatched_statement_line'
  | 'orphan_result'
  | 'dropped_result'
  | 'repeated_answer'
  | 'abandoned_attempt'
  /** An event about a slip whose SlipSubmitted was never read. */
  | 'unknown_slip'
  | 'unknown_event_type';

export type Count = (what: Counted, times?: number) => void;
