import { topics } from '@slipstream/contracts';
import { type Instant, type MoneyJson, moneyToJson, must } from '@slipstream/kernel';
import { isUniqueViolation, type OutboundRecord, type UnitOfWork } from '@slipstream/postgres';
import type { PendingEvent } from '@slipstream/slip';
import type {
  DueSlip,
  EventPosition,
  SlipChange,
  SlipChanged,
  WaitingStore,
} from '../../application/ports.ts';
import { type GateWord, gateRefusal } from '../../domain/submission/gates.ts';
import type { Submission } from '../../domain/submission/submission.ts';
import type { Draft, IntakeStatus, KnownSlip } from '../../domain/waiting/waiting-slip.ts';
import { gateRow, knownOnly } from './gate-rows.ts';
import { reviewPage } from './review-list.ts';
import { type ReviewRow, toBusiness, toListed, toReview, writeProgress, writeReview } from './review-rows.ts';
import * as sql from './statements.ts';

interface WaitingRow extends ReviewRow {
  caller: string | null;
  slip_reference: string;
  status: IntakeStatus;
  submission: string | null;
  remind_at: Instant | null;
  expires_at: Instant;
  used_digest: Buffer | null;
  used_slip_id: string;
  used_reference: string;
  used_status: IntakeStatus;
  used_version: number;
  used_partition: number;
  used_seq: string;
  used_at: Instant;
}

interface DueRow extends ReviewRow {
  remind_at: Instant | null;
  expires_at: Instant | null;
}

interface ChangedRow {
  slip_id: string;
  event_partition: number;
  event_seq: string;
  event_at: Instant;
  /** The gate's that stops it; null: it is changed. */
  rule: GateWord | null;
  first_slip_id: string | null;
}

const topic = topics.events.name;

/** A slip is read by one statement and changed by another, which looks whether it is still as it was. */
export function waitingStore(
  unitOfWork: Pick<UnitOfWork, 'append' | 'query'>,
  encode: (event: PendingEvent) => OutboundRecord,
): WaitingStore {
  return {
    async read(slipId, { caller, operation, key }) {
      const [row] = await unitOfWork.query<WaitingRow>(sql.readSlipSql, [slipId, caller, operation, key]);
      return { now: row!.now, slip: slipOf(slipId, row!), earlier: earlierOf(row!) };
    },
    async change(changes) {
      const events = changes.flatMap((change, index) =>
        change.events.map((event) => ({ place: index + 1, ...encode(event) })),
      );
      const rows = changes.map(({ slipId, version, status, newReview, gate, progress, answers }) => ({
        ...{ slip_id: slipId, version, status },
        new_review: newReview && writeReview(newReview),
        progress: progress && writeProgress(progress),
        ...gateRow(gate),
        ...(answers ?? { caller: null, operation: null, key: null, digest: null }),
      }));
      const places = [...new Set(events.map(({ partition }) => partition))];
      try {
        const changed = await unitOfWork.append<ChangedRow>(
          places.map((partition) => ({ topic, partition })),
          sql.changeSlipsSql,
          [
            ...[...sql.changeColumns.parameters(rows), ...sql.changeEventColumns.parameters(events), topic],
            ...[...sql.gateColumns.parameters(rows), knownOnly(changes.map(({ gate }) => gate))],
          ],
        );
        const bySlip = new Map(changes.map((change) => [change.slipId, change]));
        return new Map(changed.map((row) => [row.slip_id, changedOf(row, bySlip.get(row.slip_id)!)]));
      } catch (error) {
        // Whoever took the key after our look has committed it: the next look finds it.
        if (isUniqueViolation(error)) return new Map();
        throw error;
      }
    },
    async nextDue(slipsMax) {
      const rows = await unitOfWork.query<DueRow>(sql.nextDueSql, [slipsMax]);
      return rows[0] ? { now: rows[0].now, slips: rows.map(dueOf) } : null;
    },
    reviews: (filter, page) => reviewPage(unitOfWork, filter, page),
    async review(slipId) {
      const [row] = await unitOfWork.query<ReviewRow>(sql.reviewSql, [slipId]);
      return row ? { now: row.now, review: toListed(row) } : null;
    },
  };
}

function dueOf(row: DueRow): DueSlip {
  const { slip_id: slipId, version, remind_at: remindAt, expires_at: expiresAt } = row;
  if (expiresAt !== null) return { slipId, version, draft: { remindAt, expiresAt }, review: null };
  return { slipId, version, draft: null, review: toReview(row) };
}

function slipOf(slipId: string, row: WaitingRow): KnownSlip | null {
  const { caller, slip_reference: reference, status, version } = row;
  if (caller === null) return null;
  const isReviewed = row.review_status !== null;
  return {
    ...{ slipId, caller, reference, status, version, draft: draftOf(row) },
    ...{ review: isReviewed ? toReview(row) : null, reviewed: isReviewed ? toBusiness(row) : null },
  };
}

function draftOf({ submission, remind_at, expires_at }: WaitingRow): Draft | null {
  if (submission === null) return null;
  return { submission: readSubmission(submission), remindAt: remind_at, expiresAt: expires_at };
}

function earlierOf(row: WaitingRow) {
  if (row.used_digest === null) return null;
  const { used_digest: digest, used_slip_id: slipId, used_reference: reference } = row;
  const { used_status: status, used_version: version } = row;
  const position = { partition: row.used_partition, seq: BigInt(row.used_seq), at: row.used_at };
  return { digest, slipId, reference, status, version, position };
}

function changedOf(row: ChangedRow, { gate }: SlipChange): SlipChanged {
  const { rule, first_slip_id, event_partition, event_seq, event_at } = row;
  if (rule !== null) {
    return { type: 'refused', refusal: gateRefusal(rule, must(gate, 'only gates stop it'), first_slip_id) };
  }
  const position: EventPosition = { partition: event_partition, seq: BigInt(event_seq), at: event_at };
  return { type: 'changed', position };
}

/** A draft's row, as `submit_waiting_slips` takes it. */
export function writeDraft({ submission, remindAt, expiresAt }: Draft): string {
  return JSON.stringify({
    submission: writeSubmission(submission),
    remind_at: remindAt,
    expires_at: expiresAt,
  });
}

function writeSubmission({ amount, ...rest }: Submission): string {
  return JSON.stringify({ ...rest, amount: amount && moneyToJson(amount) });
}

function readSubmission(text: string): Submission {
  const { amount, ...rest } = JSON.parse(text) as Omit<Submission, 'amount'> & { amount: MoneyJson | null };
  return { ...rest, amount: amount && { ...amount, amount: BigInt(amount.amount) } };
}
