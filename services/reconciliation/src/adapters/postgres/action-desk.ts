import type { Instant } from '@slipstream/kernel';
import type { OutboundRecord, Tx, UnitOfWork } from '@slipstream/postgres';
import type { PendingOpsEvent } from '@slipstream/slip';
import {
  type ActionDesk,
  type ActionStatus,
  type Asked,
  type BulkRequest,
  bulkSizeMax,
  type Decision,
  type KeptAction,
  type KeptBulk,
} from '../../application/actions/ports.ts';
import { type Looked, lookedPageOf } from '../../application/newest-first.ts';
import type { CaseFilter } from '../../application/reads.ts';
import type { ActionType } from '../../domain/case/act.ts';
import { type ActionRow, actionColumns, toAction, toKept, writeDetails } from './action-rows.ts';
import { confineToCases } from './case-condition.ts';
import { Search } from './search.ts';

const askSql = `
insert into case_action (action_id, slip_id, partition, action, details, asked_by, reason, request_key, digest, if_version)
values ($1, $2, $3, $4, $5::json, $6, $7, $8, $9, $10)
on conflict (asked_by, request_key) do nothing`;

const byKeySql = `select a.digest, ${actionColumns} from case_action a where a.asked_by = $1 and a.request_key = $2`;

const byIdSql = `select ${actionColumns} from case_action a where a.action_id = $1`;

const decideSql = `
update case_action a set status = 'waiting', decision = $2, decided_by = $3, decision_note = $4,
  decided_at = clock_timestamp()
 where a.action_id = $1 and a.status = 'proposed' and a.asked_by <> $3
returning ${actionColumns}`;

const bulkByKeySql = 'select bulk_id, digest from case_bulk where asked_by = $1 and request_key = $2';

const addBulkSql = `
insert into case_bulk (bulk_id, action, details, asked_by, reason, request_key, digest, size)
values ($1, $2, $3::json, $4, $5, $6, $7, $8)
on conflict (asked_by, request_key) do nothing returning bulk_id`;

const addItemsSql = `
insert into case_action (action_id, bulk_id, slip_id, partition, action, details, asked_by, reason)
select i.action_id, $3, i.slip_id, i.partition, $4, $5::json, $6, $7
  from unnest($1::uuid[], $2::text[], $8::int[]) as i(action_id, slip_id, partition)`;

const namedSql =
  "select c.slip_id from case_file c where c.slip_id = any($1::text[]) and c.status = 'open' order by c.slip_id";

const withoutCaseSql = `
select named.slip_id from unnest($1::text[]) with ordinality named (slip_id, place)
 where not exists (select from case_file c where c.slip_id = named.slip_id) order by named.place`;

const proposedSql = `
select slip_id from case_action
 where slip_id = any($1::text[]) and (status = 'proposed' or (status = 'waiting' and decision is not null))`;

const bulkSql = `
select b.bulk_id, b.action, b.details::text as details, b.asked_by, b.reason, b.asked_at, b.size,
       (select coalesce(json_object_agg(s.status, s.n), '{}')::text from (
          select a.status, count(*) as n from case_action a where a.bulk_id = b.bulk_id group by a.status) as s) as counts
  from case_bulk b where b.bulk_id = $1`;

const waitingSql = `
select p.partition from unnest($1::int[]) as p(partition)
 where exists (select 1 from case_action a where a.partition = p.partition and a.status = 'waiting')`;

interface BulkRow {
  readonly bulk_id: string;
  readonly action: ActionType;
  readonly details: string;
  readonly asked_by: string;
  readonly reason: string;
  readonly asked_at: Instant;
  readonly size: number;
  readonly counts: string;
}

export interface DeskParts {
  readonly unitOfWork: UnitOfWork;
  encode(event: PendingOpsEvent): OutboundRecord;
  newId(): string;
  /** Of `slips.events.v1`, where everything about the slip goes. */
  partitionOf(slipId: string): number;
}

/** Where people's actions on cases are kept; each is done by whoever owns the slip. */
export function createActionDesk({ unitOfWork, encode, newId, partitionOf }: DeskParts): ActionDesk {
  const actionOf = async (id: string): Promise<KeptAction | null> => {
    const [row] = await unitOfWork.query<ActionRow>(byIdSql, [id]);
    return row ? toKept(row) : null;
  };
  const bulkOf = async (id: string): Promise<KeptBulk | null> => {
    const [row] = await unitOfWork.query<BulkRow>(bulkSql, [id]);
    return row ? toBulk(row) : null;
  };
  return {
    async ask({ id, slipId, partition, action, by, reason, key, digest, ifVersion }) {
      await unitOfWork.query(askSql, [
        ...[id, slipId, partition, action.type, writeDetails(action), by, reason, key],
        ...[Buffer.from(digest), ifVersion],
      ]);
      const [row] = await unitOfWork.query<ActionRow & { digest: Buffer }>(byKeySql, [by, key]);
      if (!row!.digest.equals(digest)) return { type: 'key_reused' };
      return { type: 'asked', kept: toKept(row!), replayed: row!.action_id !== id };
    },
    async askForMany(request) {
      const known = await knownBulk(unitOfWork, request);
      if (known !== null) return answered(known, request, bulkOf);
      const found = await unitOfWork.run((tx) => addBulk(tx, request));
      if (found > bulkSizeMax) return { type: 'too_many', found };
      return answered((await knownBulk(unitOfWork, request))!, request, bulkOf);
    },
    async listed(cases) {
      const slipIds = await listed(unitOfWork, cases);
      return slipIds.length > bulkSizeMax ? null : slipIds;
    },
    async withoutCase(slipIds) {
      const rows = await unitOfWork.query<{ slip_id: string }>(withoutCaseSql, [slipIds]);
      return rows.map(({ slip_id }) => slip_id);
    },
    async proposed(slipIds) {
      const rows = await unitOfWork.query<{ slip_id: string }>(proposedSql, [slipIds]);
      return new Set(rows.map(({ slip_id }) => slip_id));
    },
    async decide(id, { type, by, note }: Decision) {
      const [row] = await unitOfWork.query<ActionRow>(decideSql, [id, type, by, note]);
      if (row) return { type: 'decided', kept: toKept(row) };
      const kept = await actionOf(id);
      if (kept === null) return { type: 'not_found' };
      return kept.status === 'proposed' && kept.by === by
        ? { type: 'same_person' }
        : { type: 'too_late', kept };
    },
    action: actionOf,
    async actions({ slipId, bulkId, status, action, by }, from, pageSize) {
      const search = new Search();
      search.when(slipId, (id) => `a.slip_id = ${search.place(id)}`);
      search.when(bulkId, (id) => `a.bulk_id = ${search.place(id)}::uuid`);
      search.judge(status, (one) => `a.status = ${search.place(one)}`);
      search.judge(action, (type) => `a.action = ${search.place(type)}`);
      search.judge(by, (one) => `a.asked_by = ${search.place(one)}`);
      const actions = { table: 'case_action', alias: 'a', at: 'asked_at', id: 'action_id' };
      const page = search.lookedNewestFirst(actions, from, pageSize);
      const sql = `select ${actionColumns}, a.matched, a.is_edge ${page}`;
      const rows = await unitOfWork.query<ActionRow & Looked>(sql, search.parameters);
      return lookedPageOf(rows, from, pageSize, toKept, ({ asked_at: at, action_id: id }) => ({ at, id }));
    },
    bulk: bulkOf,
    async withWaiting(partitions) {
      const rows = await unitOfWork.query<{ partition: number }>(waitingSql, [partitions]);
      return rows.map(({ partition }) => partition);
    },
  };

  /** Gives how many cases there are; the list is fixed, and its size told, unless there are too many. */
  async function addBulk(tx: Tx, request: BulkRequest): Promise<number> {
    const { id, action, by, reason, key, digest, cases } = request;
    const slipIds = await listed(tx, cases);
    if (slipIds.length > bulkSizeMax) return slipIds.length;
    const details = writeDetails(action);
    const head = [id, action.type, details, by, reason, key, Buffer.from(digest), slipIds.length];
    // Whoever was faster with the same key has fixed the list.
    if ((await tx.query(addBulkSql, head)).length === 0) return slipIds.length;
    tx.send(addItemsSql, [
      ...[slipIds.map(newId), slipIds, id, action.type, details, by, reason],
      slipIds.map(partitionOf),
    ]);
    const data = {
      ...{ service: 'reconciliation', action: action.type, target: `${slipIds.length} cases`, reason },
      ...{ actor: by, requestId: id },
    };
    tx.publish([encode({ subject: id, event: { type: 'OperatorActed', data } })]);
    return slipIds.length;
  }
}

/** In the order of their ids. */
async function listed(from: Pick<Tx, 'query'>, cases: BulkRequest['cases']): Promise<string[]> {
  const rows =
    'slipIds' in cases
      ? await from.query<{ slip_id: string }>(namedSql, [cases.slipIds])
      : await found(from, cases.filter);
  return rows.map(({ slip_id }) => slip_id);
}

function found(from: Pick<Tx, 'query'>, filter: CaseFilter): Promise<{ slip_id: string }[]> {
  const search = new Search();
  search.where("c.status = 'open'");
  confineToCases(search, filter);
  const sql = `select c.slip_id from case_file c where ${search.conditions} order by c.slip_id limit ${bulkSizeMax + 1}`;
  return from.query(sql, search.parameters);
}

interface KnownBulk {
  readonly bulk_id: string;
  readonly digest: Buffer;
}

async function knownBulk(
  unitOfWork: UnitOfWork,
  { by, key }: Pick<BulkRequest, 'by' | 'key'>,
): Promise<KnownBulk | null> {
  const [row] = await unitOfWork.query<KnownBulk>(bulkByKeySql, [by, key]);
  return row ?? null;
}

async function answered(
  { bulk_id, digest }: KnownBulk,
  request: BulkRequest,
  bulkOf: (id: string) => Promise<KeptBulk | null>,
): Promise<Asked<KeptBulk>> {
  if (!digest.equals(request.digest)) return { type: 'key_reused' };
  return { type: 'asked', kept: (await bulkOf(bulk_id))!, replayed: bulk_id !== request.id };
}

function toBulk(row: BulkRow): KeptBulk {
  const none: Record<ActionStatus, number> = { waiting: 0, proposed: 0, done: 0, declined: 0, refused: 0 };
  return {
    ...{ id: row.bulk_id, by: row.asked_by, reason: row.reason, askedAt: row.asked_at, size: row.size },
    action: toAction(row.action, row.details),
    counts: { ...none, ...(JSON.parse(row.counts) as Partial<Record<ActionStatus, number>>) },
  };
}
