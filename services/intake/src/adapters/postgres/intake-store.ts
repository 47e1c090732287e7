import { topics } from '@slipstream/contracts';
import { type Instant, must, SlipstreamError } from '@slipstream/kernel';
import { isLockTimeout, isUniqueViolation, type OutboundRecord, type UnitOfWork } from '@slipstream/postgres';
import { type PendingEvent, wallClock } from '@slipstream/slip';
import {
  type EarlierUse,
  type EventPosition,
  HeldElsewhere,
  type IntakeStore,
  type JudgedRequest,
  type Settled,
  type Waits,
} from '../../application/ports.ts';
import { type GateWord, gateRefusal } from '../../domain/submission/gates.ts';
import { DatabaseClock } from './database-clock.ts';
import { gateRow, knownOnly } from './gate-rows.ts';
import { writeReview } from './review-rows.ts';
import * as sql from './statements.ts';
import { writeDraft } from './waiting-store.ts';

/** How often a batch is tried because the clock was another, or a key of it was taken in that very moment. */
const triesMax = 5;

/** What became of a request by its `place`, from 1; 0 is the clock, and comes last. */
interface SettledRow {
  place: string;
  /** A word of a gate: it stops the slip; then `slip_id` is the one that is in the way. */
  outcome: 'made' | 'kept' | 'taken' | 'done' | 'again' | GateWord;
  slip_id: string | null;
  digest: Buffer | null;
  event_partition: number;
  event_seq: string;
  event_at: Instant;
}

/** What the gates would say of the slip at a place, from 1. */
interface AskedRow {
  place: string;
  rule: GateWord;
  /** null: it is one of those that are asked about. */
  first_slip_id: string | null;
}

interface TakenRow {
  now: Instant;
  reference: string | null;
  slip_id: string;
}

/** Settles each batch of requests by one statement; `encode` makes an event's outbox record. */
export function intakeStore(
  unitOfWork: Pick<UnitOfWork, 'append' | 'query'>,
  encode: (event: PendingEvent) => OutboundRecord,
  clock = new DatabaseClock(),
): IntakeStore {
  const readClock = async () => {
    const [row] = await unitOfWork.query<{ now: Instant }>(sql.clockSql);
    return clock.heard(row!.now);
  };
  return {
    async referencesTaken(caller, references) {
      const rows = await unitOfWork.query<TakenRow>(sql.referencesTakenSql, [caller, references]);
      const taken = rows.flatMap(({ reference, slip_id }) =>
        reference === null ? [] : [[reference, slip_id] as const],
      );
      return { now: rows[0]!.now, slipIds: new Map(taken) };
    },
    async askGates(gates) {
      const rows = await unitOfWork.query<AskedRow>(sql.askGatesSql, [
        ...sql.gateColumns.parameters(gates.map(gateRow)),
        knownOnly(gates),
      ]);
      const byPlace = new Map(rows.map((row) => [Number(row.place), row]));
      return gates.map((gate, index) => {
        const row = byPlace.get(index + 1);
        return row ? gateRefusal(row.rule, gate, row.first_slip_id) : null;
      });
    },
    async settle(judge, { lockWaitMsMax } = {}) {
      const limit = lockWaitMsMax === undefined ? null : `${lockWaitMsMax}ms`;
      let cause: unknown;
      for (let tries = 1; tries <= triesMax; tries++) {
        const now = clock.now ?? (await readClock());
        const judged = judge(now);
        try {
          const rows = await submit(unitOfWork, judged, encode, { now, limit });
          const { outcome, event_at } = rows.at(-1)!;
          if (outcome === 'again' && now > event_at) clock.becomes(event_at);
          else clock.heard(event_at);
          if (outcome === 'done') return settledOf(judged, rows, await reviewedOf(unitOfWork, rows));
        } catch (error) {
          if (limit !== null && isHeld(error)) throw new HeldElsewhere('held elsewhere', { cause: error });
          // Whoever took the key after our look has committed it: the next look finds it.
          if (!isUniqueViolation(error)) throw error;
          cause = error;
        }
      }
      // Nothing was done in any of them.
      throw new SlipstreamError(
        'unavailable',
        'The database is too slow or its clock jumps; try again soon.',
        {
          cause,
        },
      );
    },
  };
}

const nothing = { slip_id: null, partition: null, body: null, wait: null, review_body: null };

function encoded(judged: readonly JudgedRequest[], encode: (event: PendingEvent) => OutboundRecord) {
  return judged.map(({ verdict, ...keyed }) => {
    if (!verdict.accepted) return { ...keyed, ...nothing, ...gateRow(null) };
    const { event, waits, gate } = verdict;
    const { partition, body } = encode(event);
    const row = { ...keyed, slip_id: event.slipId, partition, body, wait: waits && writeWait(waits) };
    return {
      ...row,
      ...gateRow(gate),
      review_body: waits && 'event' in waits ? encode(waits.event).body : null,
    };
  });
}

function writeWait(waits: Waits): string {
  return 'draft' in waits
    ? `{"draft":${writeDraft(waits.draft)}}`
    : `{"review":${writeReview(waits.review)}}`;
}

/** By slip. */
type Reviewed = ReadonlyMap<string, EarlierUse['review']>;

/** Of repeated requests only: what a new slip waits for is known. */
async function reviewedOf(
  unitOfWork: Pick<UnitOfWork, 'query'>,
  rows: readonly SettledRow[],
): Promise<Reviewed> {
  const kept = rows.flatMap(({ outcome, slip_id }) => (outcome === 'kept' ? slip_id! : []));
  if (kept.length === 0) return new Map();
  const found = await unitOfWork.query<{ slip_id: string; first_slip_id: string | null }>(sql.reviewedSql, [
    kept,
  ]);
  return new Map(found.map(({ slip_id, first_slip_id }) => [slip_id, { firstSlipId: first_slip_id }]));
}

function submit(
  unitOfWork: Pick<UnitOfWork, 'append'>,
  judged: readonly JudgedRequest[],
  encode: (event: PendingEvent) => OutboundRecord,
  { now: judgedAt, limit: lockTimeout }: { readonly now: Instant; readonly limit: string | null },
): Promise<SettledRow[]> {
  const rows = encoded(judged, encode);
  const isKnownOnly = knownOnly(judged.map(({ verdict }) => (verdict.accepted ? verdict.gate : null)));
  const topic = topics.events.name;
  const partitions = new Set(rows.flatMap(({ partition }) => partition ?? []));
  const places = [...partitions].map((partition) => ({ topic, partition }));
  const parameters = [...sql.judgedColumns.parameters(rows), topic, wallClock, judgedAt, lockTimeout];
  const gates = [...sql.gateColumns.parameters(rows), isKnownOnly];
  if (rows.every(({ wait }) => wait === null))
    return unitOfWork.append<SettledRow>(places, sql.submitSlipsSql, [...parameters, ...gates]);
  const waits = sql.waitColumns.parameters(rows);
  return unitOfWork.append<SettledRow>(places, sql.submitWaitingSlipsSql, [
    ...parameters,
    ...waits,
    ...gates,
  ]);
}

/** A wait for numbers has nothing to do with the callers. */
function isHeld(error: unknown): boolean {
  return isLockTimeout(error) && !String((error as { where?: unknown }).where).includes('append_events');
}

function settledOf(
  judged: readonly JudgedRequest[],
  rows: readonly SettledRow[],
  reviewed: Reviewed,
): Settled[] {
  const byPlace = new Map(rows.map((row) => [Number(row.place), row]));
  return judged.map(({ digest, verdict }, index) => {
    const row = byPlace.get(index + 1);
    if (row?.outcome === 'kept') {
      const slipId = row.slip_id!;
      const review = reviewed.get(slipId) ?? null;
      return { type: 'answered', answer: answerOf(row, row.digest!, slipId, review), isNew: false };
    }
    if (!verdict.accepted) return { type: 'refused', refusal: verdict.refusal };
    if (!row) return { type: 'in_flight' };
    const { event, waits, gate } = verdict;
    if (row.outcome === 'taken') return { type: 'reference_taken', slipId: row.slip_id! };
    if (row.outcome !== 'made') {
      const stopped = must(gate, 'only gates stop a slip');
      return { type: 'refused', refusal: gateRefusal(row.outcome as GateWord, stopped, row.slip_id) };
    }
    const review = waits !== null && 'review' in waits ? waits.review : null;
    const answer = answerOf(row, digest, event.slipId, review);
    return { type: 'answered', answer, isNew: true };
  });
}

function answerOf(
  { event_partition, event_seq, event_at }: SettledRow,
  digest: Uint8Array,
  slipId: string,
  review: EarlierUse['review'],
): EarlierUse {
  const position: EventPosition = { partition: event_partition, seq: BigInt(event_seq), at: event_at };
  return { digest, slipId, position, review: review && { firstSlipId: review.firstSlipId } };
}
