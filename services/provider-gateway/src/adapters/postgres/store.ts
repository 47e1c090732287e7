import type { Instant } from '@slipstream/kernel';
import { SlipstreamError } from '@slipstream/kernel';
import { classifyDatabaseError, type OutboundRecord, type Tx, type UnitOfWork } from '@slipstream/postgres';
import type { PendingEvent, PendingOpsEvent } from '@slipstream/slip';
import type { Store, StoreTx } from '../../application/ports.ts';
import type { Certificate } from '../../domain/proof/certificate.ts';
import type { ObservedDelay } from '../../domain/provider/delays.ts';
import { callbackCounts } from './callback-counts.ts';
import { callbacks } from './callbacks.ts';
import { clockMarks } from './clock-marks.ts';
import { commands } from './commands.ts';
import { delays } from './delays.ts';
import { dispatches } from './dispatches.ts';
import { inquiries } from './inquiries.ts';
import { parkedResults } from './parked-results.ts';
import { proofSwitches } from './proof-switches.ts';
import { proofs } from './proofs.ts';
import { providerStates } from './provider-states.ts';
import { statements } from './statements.ts';
import { unmatched } from './unmatched.ts';

export interface StoreOptions {
  readonly encode: (event: PendingEvent) => OutboundRecord;
  readonly encodeOps: (event: PendingOpsEvent) => OutboundRecord;
  /** Counts delays that were seen. */
  readonly observe: (delays: readonly ObservedDelay[]) => void;
  /** Gets the database's time of day, whenever it was read. */
  readonly hear: (now: Instant) => void;
  /** Signs a certificate. */
  readonly certify: (certificate: Certificate) => string;
  /** Where the slips' events are followed: orphans are told by how far that has come. */
  readonly events: { readonly group: string; readonly topic: string };
  /** The inbound topic of reported results. */
  readonly resultsTopic: string;
}

/** The service's tables within one transaction, which a consumer may have opened. */
export function storeTx(tx: Tx, options: StoreOptions): StoreTx {
  return {
    async now() {
      const [row] = await tx.query<{ now: Instant }>('select clock_timestamp() as now');
      return row!.now;
    },
    dispatches: dispatches(tx, options.hear),
    inquiries: inquiries(tx),
    callbacks: callbacks(tx),
    statements: statements(tx),
    parked: parkedResults(tx, options.events),
    clocks: clockMarks(tx, options.resultsTopic),
    providerStates: providerStates(tx),
    proofSwitches: proofSwitches(tx),
    delays: delays(tx),
    callbackCounts: callbackCounts(tx),
    observe: (observed) => tx.afterCommit(() => options.observe(observed)),
    commands: commands(tx),
    proofs: proofs(tx, options.certify),
    tell: (events) => tx.publish(events.map(options.encodeOps)),
    unmatched: unmatched(tx),
    publish: (events) => tx.publish(events.map(options.encode)),
    afterCommit: (then, otherwise) => tx.afterCommit(then, otherwise),
  };
}

export function postgresStore(unitOfWork: UnitOfWork, options: StoreOptions): Store {
  return {
    run: (work) => unitOfWork.run((tx) => work(storeTx(tx, options))),
  };
}

/**
 * Whether what failed so may go well later, unchanged: the database is away, not as it must be, or not compared with its
 * log yet.
 */
export function mayPass(error: unknown): boolean {
  if (error instanceof SlipstreamError && error.code === 'unavailable') return true;
  const failure = classifyDatabaseError(error);
  return failure === 'transient' || failure === 'setup';
}
