import { type Instant, SlipstreamError } from '@slipstream/kernel';
import type { Tx, UnitOfWork } from './unit-of-work.ts';

export type LetterStatus = 'parked' | 'queued' | 'redriven' | 'dismissed';

/** Which letters are meant; absent fields mean any. */
export interface LetterFilter {
  readonly topic?: string | undefined;
  readonly partition?: number | undefined;
  /** The slip's id; on inbound topics the record's key. */
  readonly slip?: string | undefined;
  readonly reason?: string | undefined;
  readonly status?: LetterStatus | undefined;
  readonly ids?: readonly string[] | undefined;
}

/** A dead letter without its bytes. */
export interface LetterRow {
  readonly id: string;
  readonly consumerGroup: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** Whose later records wait behind it; null: it stands alone. */
  readonly parkKey: string | null;
  readonly key: Buffer | null;
  readonly reason: string;
  readonly errorClass: string;
  readonly detail: string;
  readonly attempts: number;
  readonly redrives: number;
  readonly status: LetterStatus;
  readonly failedAt: Instant;
  readonly resolvedAt: Instant | null;
  readonly redriveId: string | null;
}

export interface LetterContent extends LetterRow {
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, string | string[]>>;
}

export interface LetterPage {
  readonly letters: readonly LetterRow[];
  /** Ids to go on from; null where there is nothing more. */
  readonly next: string | null;
  readonly previous: string | null;
}

/** What a redrive would read again: whole slips, each from its first letter, and letters that stand alone. */
export interface Preview {
  readonly letters: number;
  readonly slips: number;
  readonly byReason: readonly { readonly reason: string; readonly letters: number }[];
  /** The first of them. */
  readonly bySlip: readonly {
    readonly slip: string | null;
    readonly reason: string;
    readonly letters: number;
  }[];
  /** Slips and single letters left out because they failed {@link redrivesMax} times. */
  readonly exhausted: number;
}

export interface Redrive {
  readonly id: string;
  readonly action: 'redrive' | 'dismiss' | 'upgrade';
  readonly requestedBy: string;
  readonly requestedAt: Instant;
  readonly reason: string;
  readonly letters: number;
  readonly slips: number;
  readonly perSecond: number;
  /** Slips and single letters not looked at yet. */
  readonly waiting: number;
  /** Letters handled. */
  readonly redriven: number;
  /** Letters that failed again. */
  readonly failed: number;
}

/** Who asks, and why. */
export interface Order {
  readonly id: string;
  readonly by: string;
  readonly reason: string;
}

/** A letter that failed this often is read again no more; it can be dismissed. */
export const redrivesMax = 5;
const bySlipMax = 100;

const columns = `id, consumer_group as "consumerGroup", topic, partition, kafka_offset as offset, park_key as "parkKey", key,
  reason, error_class as "errorClass", detail, attempts, redrives, status, failed_at as "failedAt",
  resolved_at as "resolvedAt", redrive_id as "redriveId"`;

// A slip is read again from its first letter, whichever of its letters was named. $1: topics where a letter without a
// park key is no event of the topic's owners, so that it may never be handled; nor may a record whose headers were too many.
const headsSql = (conditions: string, limit: string) => `
with picked as (
  select distinct consumer_group, topic, partition, park_key, case when park_key is null then id end as single
  from dead_letter
  where status = 'parked' and headers_raw is null and (park_key is not null or not topic = any($1::text[]))${conditions}
)
select p.consumer_group, p.topic, p.partition, p.park_key, p.single, h.reason, h.redrives, h.slip, n.letters::int
from picked p
cross join lateral (
  select d.id, d.reason, d.redrives, coalesce(d.park_key, encode(d.key, 'escape')) as slip from dead_letter d
  where d.status = 'parked' and d.consumer_group = p.consumer_group and d.topic = p.topic
    and (d.park_key = p.park_key or d.id = p.single)
  order by d.kafka_offset limit 1) as h
cross join lateral (
  select count(*) as letters from dead_letter d
  where d.status = 'parked' and d.consumer_group = p.consumer_group and d.topic = p.topic
    and (d.park_key = p.park_key or d.id = p.single)) as n
order by h.id limit ${limit}`;

const queueKeysSql = `
insert into parked_key (consumer_group, topic, partition, key, redrive_id)
select g, t, p, k, $1::uuid from unnest($2::text[], $3::text[], $4::int[], $5::text[]) as q(g, t, p, k)
on conflict (consumer_group, topic, partition, key) do update set redrive_id = excluded.redrive_id`;

const redriveSql = `
select id, action, requested_by as "requestedBy", requested_at as "requestedAt", reason, letters, slips,
  per_second as "perSecond",
  (select count(*) from parked_key k where k.redrive_id = r.id)::int
    + (select count(*) from dead_letter d where d.redrive_id = r.id and d.status = 'queued')::int as waiting,
  (select count(*) from dead_letter d where d.redrive_id = r.id and d.status = 'redriven')::int as redriven,
  (select count(*) from dead_letter d where d.redrive_id = r.id and d.status = 'parked')::int as failed
from redrive r where id = $1`;

interface Head {
  readonly consumer_group: string;
  readonly topic: string;
  readonly partition: number;
  readonly park_key: string | null;
  readonly single: string | null;
  readonly reason: string;
  readonly redrives: number;
  readonly slip: string | null;
  readonly letters: number;
}

/** The dead letters of one service, as people see them and decide about them; `RedriveQueue` does what was decided. */
export class DeadLetters {
  readonly #unitOfWork: UnitOfWork;
  readonly #sequencedTopics: () => readonly string[];

  /** `sequencedTopics`: those consumed by rule 5, where a letter without a park key may only be dismissed. */
  constructor(unitOfWork: UnitOfWork, sequencedTopics: () => readonly string[]) {
    this.#unitOfWork = unitOfWork;
    this.#sequencedTopics = sequencedTopics;
  }

  /** Oldest first. */
  async list(filter: LetterFilter, limit: number, from: PageStart | null): Promise<LetterPage> {
    const query = conditionsOf(filter);
    const back = from?.side === 'before';
    if (from) query.add(`id ${back ? '<' : '>'} ?`, from.id);
    const where = query.text === '' ? '' : ` where true${query.text}`;
    const order = back ? 'desc' : 'asc';
    const found = await this.#unitOfWork.query<Raw<LetterRow>>(
      `select ${columns} from dead_letter${where} order by id ${order} limit ${limit + 1}`,
      query.parameters,
    );
    const letters = found.slice(0, limit).map(toLetter);
    if (back) letters.reverse();
    const more = found.length > limit;
    const [first, last] = [letters.at(0), letters.at(-1)];
    return {
      letters,
      next: last && (more || back) ? last.id : null,
      previous: first && (back ? more : from !== null) ? first.id : null,
    };
  }

  async one(id: string): Promise<LetterContent | null> {
    const [row] = await this.#unitOfWork.query<Raw<LetterContent>>(
      `select ${columns}, value, headers from dead_letter where id = $1`,
      [id],
    );
    return row ? (toLetter(row) as LetterContent) : null;
  }

  /** What waits, by topic and reason. */
  async waiting(): Promise<readonly { topic: string; reason: string; letters: number; slips: number }[]> {
    return this.#unitOfWork.query(
      `select topic, reason, count(*)::int as letters, count(distinct park_key)::int as slips
       from dead_letter where status in ('parked', 'queued') group by topic, reason order by topic, reason`,
    );
  }

  /** Slips that wait, by topic. */
  async parkedSlips(): Promise<readonly { topic: string; slips: number }[]> {
    return this.#unitOfWork.query('select topic, count(*)::int as slips from parked_key group by topic');
  }

  async preview(filter: LetterFilter, limit: number): Promise<Preview> {
    return previewOf(await this.#heads(this.#unitOfWork, filter, limit));
  }

  /** Asks for a redrive of at most `limit` slips and single letters. The partitions' owners do it. */
  async redrive(
    filter: LetterFilter,
    limit: number,
    order: Order & { readonly perSecond: number },
  ): Promise<Preview> {
    return this.#unitOfWork.run(async (tx) => {
      const heads = await this.#heads(tx, filter, limit);
      const preview = previewOf(heads);
      const able = heads.filter(isAble);
      await insertRedrive(tx, 'redrive', order, preview, order.perSecond);
      await queue(tx, order.id, able);
      return preview;
    });
  }

  /**
   * Gives up one letter; what waits behind it is read again. A letter that only waits, or that a newer release will
   * read, is nothing to give up. @throws not_found, conflict
   */
  async dismiss(id: string, order: Order): Promise<{ readonly released: number }> {
    return this.#unitOfWork.run(async (tx) => {
      const [letter] = await tx.query<Raw<LetterRow>>(
        `select ${columns} from dead_letter where id = $1 for update`,
        [id],
      );
      if (!letter) throw new SlipstreamError('not_found', `There is no dead letter ${id}.`);
      const refusal = refusalToDismiss(letter);
      if (refusal !== null) throw new SlipstreamError('conflict', refusal);
      await tx.query(
        `update dead_letter set status = 'dismissed', resolved_at = clock_timestamp(), redrive_id = $2 where id = $1`,
        [id, order.id],
      );
      const { consumerGroup, topic, partition, parkKey } = letter;
      const [behind] = await tx.query<{ n: number }>(
        `select count(*)::int as n from dead_letter
         where consumer_group = $1 and topic = $2 and park_key = $3 and status = 'parked'`,
        [consumerGroup, topic, parkKey],
      );
      await insertRedrive(tx, 'dismiss', order, { letters: 1, slips: parkKey === null ? 0 : 1 }, 50);
      if (parkKey !== null) {
        await tx.query(queueKeysSql, [order.id, [consumerGroup], [topic], [partition], [parkKey]]);
      }
      return { released: behind!.n };
    });
  }

  async redriveOf(id: string): Promise<Redrive | null> {
    const [row] = await this.#unitOfWork.query<Redrive>(redriveSql, [id]);
    return row ?? null;
  }

  #heads(on: Pick<Tx, 'query'>, filter: LetterFilter, limit: number): Promise<Head[]> {
    const query = conditionsOf(filter, [this.#sequencedTopics()]);
    return on.query<Head>(headsSql(query.text, String(limit)), query.parameters);
  }
}

/** Where a page starts (`after`) or ends (`before`), the letter itself left out. */
export interface PageStart {
  readonly side: 'after' | 'before';
  readonly id: string;
}

export async function insertRedrive(
  tx: Tx,
  action: Redrive['action'],
  { id, by, reason }: Order,
  { letters, slips }: { readonly letters: number; readonly slips: number },
  perSecond: number,
): Promise<void> {
  await tx.query(
    `insert into redrive (id, action, requested_by, reason, letters, slips, per_second) values ($1, $2, $3, $4, $5, $6, $7)`,
    [id, action, by, reason, letters, slips, perSecond],
  );
}

async function queue(tx: Tx, redriveId: string, heads: readonly Head[]): Promise<void> {
  const keyed = heads.filter((head) => head.park_key !== null);
  await tx.query(queueKeysSql, [
    redriveId,
    keyed.map((head) => head.consumer_group),
    keyed.map((head) => head.topic),
    keyed.map((head) => head.partition),
    keyed.map((head) => head.park_key),
  ]);
  await tx.query(
    `update dead_letter set status = 'queued', redrive_id = $1 where id = any($2::bigint[]) and status = 'parked'`,
    [redriveId, heads.flatMap((head) => head.single ?? [])],
  );
}

function previewOf(heads: readonly Head[]): Preview {
  const able = heads.filter(isAble);
  const byReason = new Map<string, number>();
  for (const { reason, letters } of able) {
    byReason.set(reason, (byReason.get(reason) ?? 0) + 1);
    if (letters > 1) byReason.set('parked_behind', (byReason.get('parked_behind') ?? 0) + letters - 1);
  }
  return {
    letters: able.reduce((sum, { letters }) => sum + letters, 0),
    slips: able.length,
    byReason: [...byReason].map(([reason, letters]) => ({ reason, letters })),
    bySlip: able.slice(0, bySlipMax).map(({ slip, reason, letters }) => ({ slip, reason, letters })),
    exhausted: heads.length - able.length,
  };
}

function isAble({ redrives }: Head): boolean {
  return redrives < redrivesMax;
}

function refusalToDismiss({ status, reason }: Raw<LetterRow>): string | null {
  if (status !== 'parked') return `The letter is ${status}.`;
  if (reason === 'parked_behind')
    return 'It only waits behind an earlier letter of its slip: look at that one.';
  if (reason === 'too_new') return 'A newer release will read it: upgrade the service.';
  return null;
}

class Conditions {
  text = '';
  readonly parameters: unknown[];

  constructor(parameters: readonly unknown[]) {
    this.parameters = [...parameters];
  }

  /** `?` in the condition is the value's place. */
  add(condition: string, value: unknown): void {
    if (value === undefined) return;
    this.parameters.push(value);
    this.text += ` and ${condition.replaceAll('?', `$${this.parameters.length}`)}`;
  }
}

function conditionsOf(filter: LetterFilter, parameters: readonly unknown[] = []): Conditions {
  const conditions = new Conditions(parameters);
  conditions.add('topic = ?', filter.topic);
  conditions.add('partition = ?', filter.partition);
  conditions.add(`(park_key = ? or (park_key is null and key = convert_to(?, 'UTF8')))`, filter.slip);
  conditions.add('reason = ?', filter.reason);
  conditions.add('status = ?', filter.status);
  conditions.add('id = any(?::bigint[])', filter.ids);
  return conditions;
}

/** int8 comes as text. */
type Raw<T> = Omit<T, 'offset'> & { readonly offset: string };

function toLetter<T extends LetterRow>(row: Raw<T>): LetterRow {
  return { ...row, offset: Number(row.offset) };
}
