import { SlipstreamError } from '@slipstream/kernel';
import type { Tx, UnitOfWork } from '@slipstream/postgres';
import { type PendingEvent, type PendingOpsEvent, wallClock } from '@slipstream/slip';
import { type Looked, lookedPageOf, pageOf } from '../../application/newest-first.ts';
import type {
  BreakDecision,
  BreakStatus,
  BreakView,
  BridgeView,
  StatementView,
  StatementViews,
} from '../../application/statements/ports.ts';
import type { BreakType } from '../../domain/statement/breaks.ts';
import { bridgeOf } from '../../domain/statement/bridge.ts';
import { dayBridges } from './day-bridges.ts';
import { lineSums } from './line-sums.ts';
import { Search } from './search.ts';

const statementColumns = `s.id, s.source, s.provider, s.format, s.digest, s.status, s.lines, s.booked_from::text as "bookedFrom",
  s.booked_to::text as "bookedTo", s.accepted_at as "acceptedAt", s.accepted_by as "acceptedBy", s.matched_at as "matchedAt", s.problem,
  (select count(*)::int from statement_break k where k.statement_id = s.id and k.status <> 'resolved') as open,
  (select count(*)::int from statement_break k where k.statement_id = s.id and k.status = 'resolved') as resolved`;

const statementSql = `select ${statementColumns} from statement s where s.id = $1`;

const breakColumns = `k.id, k.kind as type,
  case when k.status = 'snoozed' and k.snoozed_until <= clock_timestamp() then 'open' else k.status end as status, k.provider,
  k.statement_id as "statementId", k.line, k.slip_id as "slipId", k.currency, k.difference::text as difference, k.expected, k.seen,
  k.awaited as "awaitedEvent", k.opened_at as "openedAt",
  extract(epoch from coalesce(k.resolved_at, clock_timestamp()) - k.opened_at)::int as "ageS", k.snoozed_until as "snoozedUntil",
  k.resolved_at as "resolvedAt", k.resolution, k.resolved_by as "resolvedBy", k.reason`;

/** As they are shown: what is snoozed is open again when its time has come. */
const breakStatuses: Readonly<Record<BreakStatus, string>> = {
  open: "k.status <> 'resolved' and (k.status = 'open' or (k.status = 'snoozed' and k.snoozed_until <= clock_timestamp()))",
  acknowledged: "k.status <> 'resolved' and k.status = 'acknowledged'",
  snoozed:
    "k.status <> 'resolved' and k.status = 'snoozed' and (k.snoozed_until <= clock_timestamp()) is not true",
  resolved: "k.status = 'resolved'",
};

/**
 * Where all breaks are of one provider or type, a plan for any word takes them for its own and reads them all, the newest first, for a word that
 * none has: so it is asked first whether any has it.
 */
function ofSome(column: 'kind' | 'provider', place: string): string {
  return `k.${column} = ${place} and exists (select from statement_break o where o.${column} = ${place})`;
}

const breakSql = `select ${breakColumns} from statement_break k where k.id = $1`;

const accountsSql = 'select accounts::text as accounts from statement where id = $1';

const lockSql =
  'select status, slip_id, kind, statement_id, provider from statement_break where id = $1 for update';

const decideSql = `
update statement_break set status = $2, reason = $3, resolved_by = case when $2 = 'resolved' then $4 else resolved_by end,
  resolution = case when $2 = 'resolved' then 'by_people' else resolution end,
  resolved_at = case when $2 = 'resolved' then clock_timestamp() end, snoozed_until = $5::timestamptz
where id = $1`;

const partitionSql = 'select partition from booked_slip where slip_id = $1';

const statusAfter = { acknowledge: 'acknowledged', snooze: 'snoozed', resolve: 'resolved' } as const;

export interface StatementViewParts {
  readonly unitOfWork: UnitOfWork;
  publish(tx: Tx, events: readonly PendingEvent[]): void;
  publishOps(tx: Tx, event: PendingOpsEvent): void;
  /** OperatorActed, for what changes no slip. */
  acted(tx: Tx, decision: BreakDecision): void;
}

interface LockedBreak {
  readonly status: string;
  readonly slip_id: string | null;
  readonly kind: BreakType;
  readonly statement_id: string;
  readonly provider: string;
}

type StatementRow = Omit<StatementView, 'breaks'> & { readonly open: number; readonly resolved: number };

export function statementViews(parts: StatementViewParts): StatementViews {
  const { unitOfWork } = parts;
  return {
    async statements(from, limit) {
      const search = new Search();
      const page = search.newestFirst('s.accepted_at', 's.id', from, limit);
      const sql = `select ${statementColumns} from statement s ${page}`;
      const rows = await unitOfWork.query<StatementRow>(sql, search.parameters);
      return pageOf(rows.map(toStatement), from, limit, ({ acceptedAt, id }) => ({ at: acceptedAt, id }));
    },
    async statement(id) {
      const [row] = await unitOfWork.query<StatementRow>(statementSql, [id]);
      return row ? toStatement(row) : null;
    },
    bridge: (id) => bridge(unitOfWork, id),
    dayBridges: (provider, day) => dayBridges(unitOfWork, provider, day),
    async breaks({ status, type, provider, statement, slip }, from, limit) {
      const search = new Search();
      search.whenWord(status, (one) => breakStatuses[one]);
      search.whenWord(type, (one) => ofSome('kind', search.place(one)));
      search.whenWord(provider, (one) => ofSome('provider', search.place(one)));
      search.when(statement, (one) => `k.statement_id = ${search.place(one)}::uuid`);
      search.when(slip, (one) => `k.slip_id = ${search.place(one)}`);
      const breaks = { table: 'statement_break', alias: 'k', at: 'opened_at', id: 'id' };
      const page = search.lookedNewestFirst(breaks, from, limit);
      const sql = `select ${breakColumns}, k.matched, k.is_edge ${page}`;
      const rows = await unitOfWork.query<BreakView & Looked>(sql, search.parameters);
      return lookedPageOf(rows, from, limit, toBreak, ({ openedAt, id }) => ({ at: openedAt, id }));
    },
    async decide(decision) {
      await unitOfWork.run(async (tx) => decide(tx, decision, parts));
      const [row] = await unitOfWork.query<BreakView>(breakSql, [decision.breakId]);
      return row!;
    },
  };
}

function toBreak({ matched: _, is_edge: __, ...found }: BreakView & Looked): BreakView {
  return found;
}

async function decide(
  tx: Tx,
  decision: BreakDecision,
  { publish, publishOps, acted }: StatementViewParts,
): Promise<void> {
  const { breakId, action, reason, until, actor } = decision;
  const [row] = await tx.query<LockedBreak>(lockSql, [breakId]);
  if (!row) throw new SlipstreamError('not_found', 'There is no such break.');
  if (row.status === 'resolved') throw new SlipstreamError('conflict', 'The break is resolved.');
  tx.send(decideSql, [breakId, statusAfter[action], reason, actor, until]);
  acted(tx, decision);
  if (action !== 'resolve') return;
  const { kind, statement_id: statement, provider } = row;
  if (row.slip_id === null || kind === 'gap') {
    const told = {
      breakId,
      kind,
      statement,
      provider,
      resolution: 'by_people',
      slip: null,
      by: actor,
      reason,
    };
    publishOps(tx, { subject: statement, event: { type: 'StatementBreakResolved', data: told } });
    return;
  }
  const [slip] = await tx.query<{ partition: number }>(partitionSql, [row.slip_id]);
  const data = { breakId, kind, resolution: 'by_people', repairedBy: null, by: actor, reason };
  publish(tx, [
    {
      ...{ slipId: row.slip_id, partition: slip!.partition, clock: wallClock, receivedAt: null },
      event: { type: 'BreakResolved', data },
    },
  ]);
}

function toStatement({ open, resolved, ...row }: StatementRow): StatementView {
  return { ...row, breaks: { open, resolved } };
}

interface Account {
  readonly name: string;
  readonly account: string;
  readonly totals: readonly {
    readonly currency: string;
    readonly opening: string | null;
    readonly closing: string | null;
  }[];
}

async function bridge(unitOfWork: UnitOfWork, id: string): Promise<readonly BridgeView[]> {
  const [row] = await unitOfWork.query<{ accounts: string }>(accountsSql, [id]);
  if (!row) return [];
  const sums = await lineSums(unitOfWork, [id], 'infinity');
  return (JSON.parse(row.accounts) as Account[]).flatMap(({ name, account, totals }, at) =>
    totals.map(({ currency, opening, closing }): BridgeView => {
      const days = sums
        .filter((one) => one.account === at && one.currency === currency)
        .map((one) => one.sums);
      const from = opening === null ? null : BigInt(opening);
      return { name, account, currency, statedClosing: closing, days: bridgeOf(from, days) };
    }),
  );
}
