import { readEnvelope, slipEventOf } from '@slipstream/contracts';
import { SlipstreamError } from '@slipstream/kernel';
import { columns, columnTypes, type Tx, table } from '@slipstream/postgres';
import type { LateCue, Lost } from '../../application/ports.ts';
import type { ToldAnswer } from '../../domain/hold/past.ts';

const { bytea, int4, int8, text } = columnTypes;

/** Shared: whoever ends the folding waits for who works by it. */
const foldingSql =
  'select partition from folding where partition = any($1::int[]) order by partition for share';
const toldSql = `
select p from unnest($1::int[]) as p where exists (select from told_answer t where t.partition = p)`;
const answersSql = `
select partition, kafka_offset, slip_id, bytes from told_answer
where partition = any($1::int[]) and slip_id = any($2::text[]) order by partition, kafka_offset`;
const lateSql = 'select distinct slip_id from late_cue where slip_id = any($1::text[])';

export const toldAnswers = table('told_answer', {
  partition: int4,
  kafka_offset: int8,
  slip_id: text,
  bytes: bytea,
});
const lateCues = table('late_cue', { partition: int4, kafka_offset: int8, slip_id: text });
const places = columns({ partition: int4, slip_id: text, kafka_offset: int8 });
const takenSql = `
delete from told_answer t using ${places.unnest('w')}
where t.partition = w.partition and t.slip_id = w.slip_id and t.kafka_offset = w.kafka_offset`;

interface AnswerRow {
  partition: number;
  kafka_offset: string;
  slip_id: string;
  bytes: Buffer;
}

/** What is known of the log of this database and of all copies of it. */
export interface OwnLogState {
  /** The database lacks events of the ledger's own that this partition has. */
  isOlder(partition: number): boolean;
  /** It lacks nothing of any partition. */
  isWhole(): boolean;
}

/**
 * What the ledger said in commits that its database lost and that is not booked again yet ({@link Lost}). When nothing was lost, which is known for
 * each partition since it was claimed, nobody is asked.
 */
export class LostAnswers {
  readonly #ownLog: OwnLogState;
  /** Partitions of which nothing is left to be taken. */
  readonly #done = new Set<number>();
  readonly #foldedBack = new Set<number>();

  /** Of a database that is known to lack nothing. */
  static none(): LostAnswers {
    return new LostAnswers({ isOlder: () => false, isWhole: () => true });
  }

  constructor(ownLog: OwnLogState) {
    this.#ownLog = ownLog;
  }

  /** The partition is owned no more, or by another database. */
  forget(partition: number): void {
    this.#done.delete(partition);
    this.#foldedBack.delete(partition);
  }

  /** @throws SlipstreamError unavailable while postings may be missing here */
  requireWhole(): void {
    if (!this.#ownLog.isWhole())
      throw new SlipstreamError(
        'unavailable',
        'postings of some partition are being folded back: balances are not known',
      );
  }

  /**
   * Null: nothing is left of these partitions. `onEnd`: one of them was folded back while this process owned it; what is remembered of its rows was
   * changed by who ended that.
   */
  async of(tx: Tx, partitions: readonly number[], onEnd: (partition: number) => void): Promise<Lost | null> {
    const older = partitions.filter((partition) => this.#ownLog.isOlder(partition));
    for (const partition of partitions) {
      if (older.includes(partition)) {
        this.#done.delete(partition);
        this.#foldedBack.add(partition);
      } else if (this.#foldedBack.delete(partition)) onEnd(partition);
    }
    const asked = partitions.filter((partition) => !this.#done.has(partition));
    if (asked.length === 0) return null;
    const [folding, told] = await Promise.all([
      older.length === 0 ? [] : tx.query<{ partition: number }>(foldingSql, [older]),
      tx.query<{ p: number }>(toldSql, [asked]),
    ]);
    if (folding.length < older.length)
      throw new SlipstreamError('unavailable', 'what the ledger said itself is not read back yet');
    const left = new Set([...told.map(({ p }) => p), ...older]);
    tx.afterCommit(() => {
      for (const partition of asked) if (!left.has(partition)) this.#done.add(partition);
    });
    return left.size === 0 ? null : lost(tx, [...left], new Set(older));
  }
}

function lost(tx: Tx, partitions: readonly number[], foldedBack: ReadonlySet<number>): Lost {
  return {
    foldedBack,
    async of(slipIds) {
      if (slipIds.length === 0) return { told: new Map(), late: new Set() };
      const [told, late] = await Promise.all([
        toldAbout(tx, partitions, slipIds),
        tx.query<{ slip_id: string }>(lateSql, [slipIds]),
      ]);
      return { told, late: new Set(late.map(({ slip_id }) => slip_id)) };
    },
    async keep(taken, late) {
      takeAway(tx, taken);
      await tx.insert(lateCues, late.map(lateRow));
    },
  };
}

const lateRow = ({ partition, offset, slipId }: LateCue) => {
  return { partition, kafka_offset: offset, slip_id: slipId };
};

/** What was said about slips of these partitions, by slip, in the order of the log. */
export async function toldAbout(
  tx: Tx,
  partitions: readonly number[],
  slipIds: readonly string[],
): Promise<Map<string, ToldAnswer[]>> {
  return bySlip(await tx.query<AnswerRow>(answersSql, [partitions, slipIds]));
}

/** Once it is booked. */
export function takeAway(tx: Tx, taken: readonly ToldAnswer[]): void {
  const rows = taken.map(({ partition, offset, recorded: { slipId } }) => ({
    ...{ partition, slip_id: slipId, kafka_offset: offset },
  }));
  if (rows.length > 0) tx.send(takenSql, places.parameters(rows));
}

function bySlip(rows: readonly AnswerRow[]): Map<string, ToldAnswer[]> {
  const told = new Map<string, ToldAnswer[]>();
  for (const { partition, kafka_offset, slip_id, bytes } of rows) {
    const answer = { partition, offset: Number(kafka_offset), recorded: slipEventOf(readEnvelope(bytes))! };
    const among = told.get(slip_id);
    if (among) among.push(answer);
    else told.set(slip_id, [answer]);
  }
  return told;
}
