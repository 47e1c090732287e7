import { readEnvelope, slipEventOf, type Topic, topics } from '@slipstream/contracts';
import { SlipstreamError } from '@slipstream/kernel';
import { columns, columnTypes, type OutboundRecord, type Tx, type UnitOfWork } from '@slipstream/postgres';
import type { PendingEvent, SlipEvent } from '@slipstream/slip';
import { consumerGroup } from '../../application/consumer-group.ts';
import {
  type DecideLateContext,
  decideLate,
  type LateRecord,
  type LateTx,
} from '../../application/decide-late.ts';
import type { LateCue } from '../../application/ports.ts';
import { fold } from '../../domain/log/follow.ts';
import { foldApproval } from './fold-decisions.ts';
import { ledgerTx } from './ledger-tx.ts';
import { LostAnswers, takeAway, toldAbout, toldAnswers } from './lost-answers.ts';
import { slipLogs } from './rebuild/page.ts';
import { Remembered } from './remembered.ts';

const topic = topics.events.name;

const readSql = 'select end_offset from folding where partition = $1';
const beginSql = 'insert into folding (partition, end_offset) values ($1, 0) on conflict do nothing';
const keepSql = 'update folding set end_offset = $2 where partition = $1';
const behindSql = `
select f.partition from folding f where not exists (
  select from consumer_position c
  where c.consumer_group = $1 and c.topic = $2 and c.partition = f.partition and c.next_offset >= f.end_offset)
limit 1`;
// Of a slip that waits behind a dead letter the cues come when it is read again; those that were put off are decided at the end.
const leftSql = `
select t.slip_id, t.kafka_offset from told_answer t where t.partition = $3 and not exists (
  select from parked_key k where k.consumer_group = $1 and k.topic = $2 and k.partition = t.partition and k.key = t.slip_id)
and not exists (select from late_cue l where l.partition = t.partition and l.slip_id = t.slip_id)
order by t.kafka_offset limit 1`;
const endSql = 'delete from folding where partition = $1';
const lateSql = `
select kafka_offset, slip_id from late_cue where partition = $1 order by kafka_offset limit $2`;

const decidedCues = columns({ partition: columnTypes.int4, kafka_offset: columnTypes.int8 });
const decidedSql = `
delete from late_cue l using ${decidedCues.unnest('w')}
where l.partition = w.partition and l.kafka_offset = w.kafka_offset`;

/** Cues that are decided at once: their slips' logs are read whole. */
const pageMax = 200;

/** What the ledger says in answer to a cue. What people decided about suspense is a cue itself. */
const answerTypes: ReadonlySet<SlipEvent['type']> = new Set([
  ...([
    'FundsHeld',
    'HoldRefused',
    'SlipSettled',
    'SlipRefunded',
    'RefundRefused',
    'PostingCompensated',
  ] as const),
]);

/** Up to which of its numbers database and topic are the same, and behind the last event of its own that the partition has. */
interface Lacking {
  readonly sharedSeq: number;
  readonly endOffset: number;
}

export interface FoldBackContext extends DecideLateContext {
  readonly ownLog: {
    /** Each partition was compared with the database. */
    isCompared(): boolean;
    /** Each partition of this topic was, and nothing of it is lacking. */
    isWholeOn(topic: Topic): boolean;
    /** The ledger's own events that the database does not know, in order. */
    records(
      partition: number,
      lacking: Lacking,
    ): Promise<readonly { readonly offset: number; readonly value: Buffer }[]>;
  };
  outbound(event: PendingEvent): OutboundRecord;
}

/**
 * How the ledger goes on when its database is older than its log (rule 4). What it said in the commits that were lost is read from the topic and kept;
 * its consumer goes on from the stored offset, and books what was said when the cue comes that it answers. When every
 * partition has come behind its own last event, what was never answered is decided, in the new incarnation.
 */
export function foldBack(unitOfWork: UnitOfWork, context: FoldBackContext) {
  const { ownLog, outbound } = context;
  return {
    async foldBack(partition: number, lacking: Lacking): Promise<boolean> {
      // What people proposed is told on the other topic, and what became of it here.
      if (!ownLog.isWholeOn(topics.ops)) return false;
      await keepTold(unitOfWork, context, partition, lacking);
      // An account's money lies on all partitions: none is opened before all are known.
      if (!ownLog.isCompared()) return false;
      if ((await unitOfWork.query(behindSql, [consumerGroup, topic])).length > 0) return false;
      await requireAllTaken(unitOfWork, partition);
      return true;
    },
    async folded(tx: Tx, partition: number): Promise<void> {
      // Whoever works by it ends before; whoever comes after finds that it is no more.
      await tx.query(endSql, [partition]);
      const events = await decideLate(context, lateTx(tx, partition));
      tx.publish(events.map(outbound));
    },
  };
}

/** Keeps what the ledger said and this database does not know, once. */
async function keepTold(
  unitOfWork: UnitOfWork,
  { ownLog, transactionId }: FoldBackContext,
  partition: number,
  lacking: Lacking,
): Promise<void> {
  const [row] = await unitOfWork.query<{ end_offset: string }>(readSql, [partition]);
  if (row !== undefined && Number(row.end_offset) >= lacking.endOffset) return;
  const records = await ownLog.records(partition, lacking);
  await unitOfWork.run(async (tx) => {
    tx.send(beginSql, [partition]);
    // Another instance may have been faster.
    const [locked] = await tx.query<{ end_offset: string }>(`${readSql} for update`, [partition]);
    const known = Number(locked!.end_offset);
    const told: { partition: number; kafka_offset: number; slip_id: string; bytes: Buffer }[] = [];
    for (const { offset, value } of records) {
      const recorded = offset < known ? null : slipEventOf(readEnvelope(value));
      if (recorded === null) continue;
      const { slipId, event, id } = recorded;
      if (event.type === 'SuspenseDecided') await foldApproval(tx, recorded, event.data, transactionId(id));
      else if (answerTypes.has(event.type))
        told.push({ partition, kafka_offset: offset, slip_id: slipId, bytes: value });
    }
    await tx.insert(toldAnswers, told);
    tx.send(keepSql, [partition, Math.max(known, lacking.endOffset)]);
  });
}

/** @throws SlipstreamError unavailable for an answer whose cue did not come: people look */
async function requireAllTaken(unitOfWork: UnitOfWork, partition: number): Promise<void> {
  const [left] = await unitOfWork.query<{ slip_id: string; kafka_offset: string }>(leftSql, [
    ...[consumerGroup, topic, partition],
  ]);
  if (left === undefined) return;
  const { slip_id, kafka_offset } = left;
  throw new SlipstreamError(
    'unavailable',
    `the ledger's own event at ${topic} partition ${partition} offset ${kafka_offset} about slip ${slip_id} answers nothing that came before it: the database cannot be made as new as its log. See docs/runbooks/service-older-than-its-log.md.`,
  );
}

function lateTx(tx: Tx, partition: number): LateTx {
  // Nothing that was remembered before counts, and whoever owns the partition forgets as well.
  const whole = LostAnswers.none();
  return {
    load: (slipIds) => ledgerTx(tx, new Remembered(), whole).load(slipIds),
    lockBalances: (keys) => ledgerTx(tx, new Remembered(), whole).lockBalances(keys),
    write: (booking) => ledgerTx(tx, new Remembered(), whole).write(booking),
    late: () => lateRecords(tx, partition),
    told: (slipIds) => toldAbout(tx, [partition], slipIds),
    decided(late, taken) {
      tx.send(decidedSql, decidedCues.parameters(late.map(toRow)));
      takeAway(tx, taken);
    },
  };
}

const toRow = ({ partition, offset }: LateCue) => ({ partition, kafka_offset: offset });

async function lateRecords(tx: Tx, partition: number): Promise<LateRecord[]> {
  const rows = await tx.query<{ kafka_offset: string; slip_id: string }>(lateSql, [partition, pageMax]);
  const offsets = new Set(rows.map((row) => Number(row.kafka_offset)));
  const logs = await slipLogs(tx, [...new Set(rows.map((row) => row.slip_id))]);
  const late: LateRecord[] = [];
  for (const { records } of logs.values()) {
    let state: LateRecord['before'] = null;
    for (const { offset, recorded, waits, bytes } of records) {
      if (recorded === null || waits) continue;
      if (offsets.has(offset))
        late.push({
          ...{ before: state, recorded, partition, offset },
          traceparent: readEnvelope(bytes).traceparent,
        });
      state = fold(state, recorded);
    }
  }
  return late.sort((a, b) => a.offset - b.offset);
}
