import type { Bound } from '../domain/watermark/bounds.ts';
import { type RefusedCallback, refuseCallback, SuspectLimit } from './ask-about-suspects.ts';
import { askForPeople, type PeoplesAsk, showPeoplesQuestion, type WillBeAsked } from './ask-for-people.ts';
import type { CallbackTally } from './callback-tally.ts';
import type { DelayLog } from './delays.ts';
import { type DispatcherParts, dispatchDueSlips } from './dispatch-due-slips.ts';
import { foldBackSlips } from './fold-back-slips.ts';
import { type FollowedEvent, followSlips, type NewlyDue } from './follow-slips.ts';
import { giveUpLapsed, type Lapse } from './give-up-lapsed.ts';
import { type AnsweredInquiry, type InquirerParts, inquireDue, recordAnswers } from './inquire-due.ts';
import { type Calls, type EndedCall, Intents, newPublishing } from './intents.ts';
import { linesOfRoutes } from './lines-of-routes.ts';
import type { PeoplesQuestion, RouteLine, StoreTx } from './ports.ts';
import { readStatements, type StatementParts } from './read-statements.ts';
import { type CallbackHandling, type ReceivedCallback, receiveCallbacks } from './receive-callbacks.ts';
import { type Refused, type ResultBatch, receiveResults } from './receive-results.ts';
import { type AnsweredRecheck, recheckDue, recordRechecks } from './recheck.ts';
import { type RecorderParts, recordOutcomes, recoverAbandoned, recoverOwn } from './record-outcomes.ts';
import { newSweep, releaseParked, type UpstreamTick } from './release-parked.ts';
import { reroute } from './reroute.ts';
import { restoreProof } from './restore-proof.ts';
import { type ProviderView, type ProviderViewParts, showProvider, showProviders } from './show-providers.ts';
import {
  type DisablePreview,
  type ProviderSwitch,
  previewDisable,
  switchProvider,
} from './switch-provider.ts';
import { newOrphanSweep, takeUpOrphans } from './take-up-orphans.ts';
import type { UnmatchedFilter, UnmatchedPage, UnmatchedPlace } from './unmatched.ts';
import { anythingOpen, type BoundFacts, readBounds } from './watermark-bounds.ts';

/** Everything this service can do. What takes a `StoreTx` happens in a consumer's transaction. */
export interface UseCases {
  /** Follows the slips' events, and sends with `intents` what becomes due; gives what is left to the workers. */
  followSlips(tx: StoreTx, events: readonly FollowedEvent[], intents: Intents | null): Promise<NewlyDue>;
  /** For a transaction that begins after it; null while the clocks cannot be trusted. */
  newIntents(calls: Calls): Intents | null;
  /** Folds the log, this service's own events too, back into a database that is older than it. */
  foldBackSlips(tx: StoreTx, events: readonly FollowedEvent[]): Promise<void>;
  /** Takes what other services reported; gives the reports that have to be refused. */
  receiveResults(tx: StoreTx, batch: ResultBatch): Promise<readonly Refused[]>;
  /** Stores and handles providers' callbacks. */
  receiveCallbacks(callbacks: readonly ReceivedCallback[]): Promise<readonly CallbackHandling[]>;
  /** Counts a callback that was refused, and asks about its slip, at most so often; gives whether it will. */
  refuseCallback(callback: RefusedCallback): Promise<boolean>;
  /** Sends the slips that are due; gives how many calls were started. */
  dispatchDueSlips(calls: Calls): Promise<number>;
  /** Records how calls ended. */
  recordOutcomes(calls: readonly EndedCall[]): Promise<void>;
  /** Takes slips past their deadline off the list of what is due; gives how many there were. */
  giveUpLapsed(): Promise<number>;
  /** Hands slips that wait for a provider that is not to be called to another of their route; gives how many. */
  reroute(): Promise<number>;
  /** Ends the attempts whose sender did not say in time how they ended; gives how many there were. */
  recoverAbandoned(): Promise<number>;
  /** Ends what a process of this name left behind when it died. */
  recoverOwn(): Promise<void>;
  /** Asks providers about slips whose inquiry is due; gives how many were dealt with. */
  inquireDue(calls: Pick<InquirerParts, 'record' | 'onFree'>): Promise<number>;
  /** Records what providers answered. */
  recordAnswers(answers: readonly AnsweredInquiry[]): Promise<void>;
  /** Tells parked results whose slip is held, and names the orphans; gives how many it moved on. */
  releaseParked(upstream: readonly UpstreamTick[]): Promise<number>;
  /** Handles callbacks whose slip came after them; gives how many there were. */
  takeUpOrphans(): Promise<number>;
  /** Reads the next daily statement that is whole; gives how many were dealt with. */
  readStatements(): Promise<number>;
  /** What came and has no slip yet, the oldest first. */
  showUnmatched(filter: UnmatchedFilter, after: UnmatchedPlace | null, limit: number): Promise<UnmatchedPage>;
  /** How far this service may be vouched for on each clock. */
  readBounds(facts: BoundFacts): Promise<readonly Bound[]>;
  /** How long slips that are due stand in line, by route. */
  linesOfRoutes(): Promise<readonly RouteLine[]>;
  anythingOpen(): Promise<boolean>;
  /** Whether anything may become due by the time alone. */
  anythingInHand(): Promise<boolean>;
  /** Stops calls to a provider, or lets them begin again; null for one that is not configured. */
  switchProvider(request: ProviderSwitch): Promise<{ readonly changed: boolean } | null>;
  /** Believes a provider's NOT_FOUND again; null for one that is not configured. */
  restoreProof(request: Omit<ProviderSwitch, 'disabled'>): Promise<{ readonly changed: boolean } | null>;
  /** Asks providers again about what they denied; gives how many were asked about. */
  recheckDue(record: (answered: AnsweredRecheck) => Promise<void>): Promise<number>;
  recordRechecks(answers: readonly AnsweredRecheck[]): Promise<void>;
  /** Writes the delays that were observed; gives how many counts. */
  keepDelays(): Promise<number>;
  /** Writes how many callbacks came, and tells what was refused; gives of how many providers. */
  keepCallbackCounts(): Promise<number>;
  /** Puts people's question about a slip on the list. */
  askForPeople(request: PeoplesAsk): Promise<WillBeAsked & { readonly replayed: boolean }>;
  showPeoplesQuestion(slipId: string): Promise<PeoplesQuestion | null>;
  /** A slip's signed certificate of non-execution; null: it has none. */
  showCertificate(slipId: string): Promise<string | null>;
  /** What it would mean to disable it now. */
  previewDisable(id: string): Promise<DisablePreview | null>;
  showProviders(): Promise<readonly ProviderView[]>;
  /** Null for a provider that is not configured. */
  showProvider(id: string): Promise<ProviderView | null>;
}

export type Parts = RecorderParts &
  Pick<DispatcherParts, 'log' | 'owner' | 'monotonicMs' | 'clockTrouble'> &
  Pick<ProviderViewParts, 'dispatchSlots' | 'inquirySlots' | 'circuits' | 'instances'> & {
    /** The parked results of one slip could not be told, those of others could. */
    readonly onUntold: (error: unknown) => void;
    readonly delays: DelayLog;
    readonly callbackTally: CallbackTally;
  };

export function useCases(parts: Parts): UseCases {
  const { store, count, dispatchSlots, inquirySlots, callbackTally: tally } = parts;
  const sweep = newSweep();
  const publishing = newPublishing();
  const orphans = newOrphanSweep();
  const suspects = new SuspectLimit(parts.monotonicMs);
  const lapse: Lapse = { reading: null };
  const caller = (calls: Calls) => ({ ...parts, ...calls, publishing, slots: dispatchSlots });
  return {
    followSlips: (tx, events, intents) => followSlips(tx, events, parts, intents),
    newIntents: (calls) => (parts.clockTrouble() === null ? new Intents(caller(calls)) : null),
    foldBackSlips: (tx, events) => foldBackSlips(tx, events, parts),
    receiveResults: (tx, batch) => receiveResults(tx, batch, count),
    receiveCallbacks: (callbacks) => {
      for (const { provider } of callbacks) tally.note(provider, 'accepted');
      return receiveCallbacks(parts, callbacks);
    },
    refuseCallback: (callback) => refuseCallback({ store, suspects, tally, count }, callback),
    dispatchDueSlips: (calls) => dispatchDueSlips(caller(calls)),
    recordOutcomes: (calls) => recordOutcomes(parts, calls),
    giveUpLapsed: () => giveUpLapsed(parts, lapse),
    reroute: () => reroute(parts),
    recoverAbandoned: () => recoverAbandoned(parts),
    recoverOwn: () => recoverOwn(parts, parts.owner),
    inquireDue: (calls) => inquireDue({ ...parts, ...calls, slots: inquirySlots }),
    recordAnswers: (answers) => recordAnswers(parts, answers),
    releaseParked: (upstream) => releaseParked(store, upstream, count, parts.onUntold, sweep),
    takeUpOrphans: () => takeUpOrphans(parts, orphans),
    readStatements: () => readStatements(parts satisfies StatementParts),
    showUnmatched: (filter, after, limit) => store.run((tx) => tx.unmatched(filter, after, limit)),
    readBounds: (facts) => store.run((tx) => readBounds(tx, facts)),
    linesOfRoutes: () => linesOfRoutes(parts),
    anythingOpen: () => store.run(anythingOpen),
    anythingInHand: () => store.run((tx) => tx.dispatches.anyInHand()),
    switchProvider: (request) => switchProvider(parts, request),
    restoreProof: (request) => restoreProof(parts, request),
    recheckDue: (record) => recheckDue({ ...parts, slots: inquirySlots }, record),
    recordRechecks: (answers) => recordRechecks(parts, answers),
    keepDelays: () => parts.delays.keep(store),
    keepCallbackCounts: () => tally.keep(store),
    askForPeople: (request) => askForPeople(parts, request),
    showPeoplesQuestion: (slipId) => showPeoplesQuestion(store, slipId),
    showCertificate: (slipId) => store.run((tx) => tx.proofs.certificate(slipId)),
    previewDisable: (id) => previewDisable(parts, id),
    showProviders: () => showProviders(parts),
    showProvider: (id) => showProvider(parts, id),
  };
}
