import { topics } from '@slipstream/contracts';
import { type Instant, must, SlipstreamError } from '@slipstream/kernel';
import { isLockTimeout, isUniqueViolation, type OutboundRecord, type UnitOfWork } from '@slipstream/postgres';
import { type PendingEvent, wallClock } from '@slipstream/slip';
import {
  type EventPosition,
  HeldElsewhere,
  type IntakeStore,
  type JudgedRequest,
  type Settled,
} from '../../application/ports.ts';
import { DatabaseClock } from './database-clock.ts';
import * as sql from './statements.ts';

/** How often a batch is tried because the clock was another, or a key of it was taken in that very moment. */
const triesMax = 5;

/** What became of a request by its `place`, from 1; 0 is the clock, and comes last. */
interface SettledRow {
  place: string;
  outcome: 'made' | 'kept' | 'taken' | 'done' | 'again';
  slip_id: string | null;
  digest: Buffer | null;
  event_partition: number;
  event_seq: string;
  event_at: Instant;
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
    async settle(judge, { lockWaitMsMax } = {}) {
      const limit = lockWaitMsMax === undefined ? null : `${lockWaitMsMax}ms`;
      let cause: unknown;
      for (let tries = 1; tries <= triesMax; tries++) {
        const now = clock.now ?? (await readClock());
        const judged = judge(now);
        try {
          const rows = await submit(unitOfWork, encoded(judged, encode), now, limit);
          const { outcome, event_at } = rows.at(-1)!;
          clock.heard(event_at);
          if (outcome === 'done') return settledOf(judged, rows);
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

function encoded(judged: readonly JudgedRequest[], encode: (event: PendingEvent) => OutboundRecord) {
  return judged.map(({ verdict, ...keyed }) => {
    if (!verdict.accepted) return { ...keyed, slip_id: null, partition: null, body: null };
    const { partition, body } = encode(verdict.event);
    return { ...keyed, slip_id: verdict.event.slipId, partition, body };
  });
}

function submit(
  unitOfWork: Pick<UnitOfWork, 'append'>,
  rows: ReturnType<typeof encoded>,
  judgedAt: Instant,
  lockTimeout: string | null,
): Promise<SettledRow[]> {
  const topic = topics.events.name;
  const partitions = new Set(rows.flatMap(({ partition }) => partition ?? []));
  return unitOfWork.append<SettledRow>(
    [...partitions].map((partition) => ({ topic, partition })),
    sql.submitSlipsSql,
    [...sql.judgedColumns.parameters(rows), topic, wallClock, judgedAt, lockTimeout],
  );
}

/** A wait for numbers has nothing to do with the callers. */
function isHeld(error: unknown): boolean {
  return isLockTimeout(error) && !String((error as { where?: unknown }).where).includes('append_events');
}

function settledOf(judged: readonly JudgedRequest[], rows: readonly SettledRow[]): Settled[] {
  const byPlace = new Map(rows.map((row) => [Number(row.place), row]));
  return judged.map(({ digest, verdict }, index) => {
    const row = byPlace.get(index + 1);
    if (row?.outcome === 'kept') return answered(row, row.digest!, row.slip_id!, false);
    if (!verdict.accepted) return { type: 'refused', refusal: verdict.refusal };
    if (row?.outcome === 'taken') return { type: 'reference_taken', slipId: row.slip_id! };
    return answered(must(row, 'a request is settled'), digest, verdict.event.slipId, true);
  });
}

function answered(
  { event_partition, event_seq, event_at }: SettledRow,
  digest: Uint8Array,
  slipId: string,
  isNew: boolean,
): Settled {
  const position: EventPosition = { partition: event_partition, seq: BigInt(event_seq), at: event_at };
  return { type: 'answered', answer: { digest, slipId, position }, isNew };
}
