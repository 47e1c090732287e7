import { shownAmount } from '@slipstream/kernel';
import type { Tx } from '@slipstream/postgres';
import type { PendingOpsEvent } from '@slipstream/slip';
import { v5 } from 'uuid';
import type { AcceptedStatement } from '../../application/statements/ports.ts';
import { gapsOf, saidOf } from '../../domain/statement/continuity.ts';
import { type Day, StatementRefused } from '../../domain/statement/statement.ts';

/** UUIDv5 namespace of gaps: between the same two balances it is the same one. */
const gapNamespace = '3d0b7a52-6c1e-5f0b-8f5e-0a4d9f1c2b77';

/** Two files of one account at once would each take the other for not there. */
const lockSql = `select pg_advisory_xact_lock(hashtextextended('statement_balance ' || $1, 0))`;

const keepSql = `
insert into statement_balance
  (statement_id, account_n, provider, source, account, name, line, currency, closes_on, opening, closing, first_on, last_on)
select $1, r.account_n, $2, case when r.account = '' then $3 else '' end, r.account, r.name, r.line, r.currency, r.closes_on, r.opening,
    r.closing, least(r.closes_on, r.booked_from), greatest(r.closes_on, r.booked_to)
  from unnest($4::int[], $5::text[], $6::text[], $7::int[], $8::text[], $9::date[], $10::bigint[], $11::bigint[], $12::date[], $13::date[])
    as r(account_n, account, name, line, currency, closes_on, opening, closing, booked_from, booked_to)`;

/** Of a named account, from the same balance on: under the same name with other lines, or from another source to the same balance. */
const toldBeforeSql = `
select b.line, b.name, b.account, b.currency, b.opening::text as opening, o.statement_id as earlier
  from statement_balance b
  join statement_balance o on o.provider = b.provider and o.account = b.account and o.source = b.source and o.currency = b.currency
    and o.closes_on = b.closes_on and o.opening = b.opening and o.statement_id <> b.statement_id
  join statement s on s.id = o.statement_id
 where b.statement_id = $1 and b.account <> '' and (o.name = b.name or (s.source <> $2 and o.closing = b.closing and b.opening <> b.closing))
 order by b.line limit 1`;

/** An order of the files of one day that is the same in whichever they came. */
export const ofTheFiles = 'b.name collate "C", s.source collate "C", s.digest collate "C", b.account_n';

/** What this statement tells of an account, those between, and those of the day before and behind it. */
const aroundSql = `
with told as (
  select account, source, currency, min(closes_on) as first, max(closes_on) as last
    from statement_balance where statement_id = $1 group by account, source, currency)
select b.statement_id as "statementId", b.account_n as "accountN", b.account, b.source, b.line, b.currency, b.closes_on::text as "closesOn",
  b.opening::text as opening, b.closing::text as closing, b.gap, b.closes_on < t.first as "isBefore"
  from told t
  join statement_balance b on b.provider = $2 and b.account = t.account and b.source = t.source and b.currency = t.currency
  join statement s on s.id = b.statement_id
 where b.closes_on >= coalesce((select max(o.closes_on) from statement_balance o where o.provider = $2 and o.account = t.account
     and o.source = t.source and o.currency = t.currency and o.closes_on < t.first), t.first)
   and b.closes_on <= coalesce((select min(o.closes_on) from statement_balance o where o.provider = $2 and o.account = t.account
     and o.source = t.source and o.currency = t.currency and o.closes_on > t.last), t.last)
 order by b.account, b.source, b.currency, b.closes_on, ${ofTheFiles}`;

const openSql = `
insert into statement_break (id, kind, statement_id, provider, line, currency, difference, expected, seen, status, opened_at)
values ($1, 'gap', $2, $3, $4, $5, $6, $7, $8, 'open', clock_timestamp()) on conflict (id) do nothing returning id`;

const markSql =
  'update statement_balance set gap = $4 where statement_id = $1 and account_n = $2 and currency = $3';

const closeSql = `
update statement_break set status = 'resolved', resolved_at = clock_timestamp(), resolution = 'told'
 where id = $1 and status <> 'resolved' returning id`;

interface BalanceRow {
  readonly statementId: string;
  readonly accountN: number;
  readonly account: string;
  readonly source: string;
  readonly line: number;
  readonly currency: string;
  readonly closesOn: Day;
  readonly opening: string;
  readonly closing: string;
  readonly gap: string | null;
  readonly isBefore: boolean;
}

type Balance = ReturnType<typeof toBalance>;

/**
 * Keeps the balances of a statement, and says where statements of its accounts do not go on from each other. What a later file tells of
 * the days between closes a gap, or makes it another one.
 * @throws StatementRefused for what an earlier statement has told otherwise: there would be no telling which of them is right
 */
export async function keepBalances(
  tx: Tx,
  { id, file, accounts }: AcceptedStatement,
  publish: (tx: Tx, event: PendingOpsEvent) => void,
): Promise<void> {
  const { provider, name: source } = file.source;
  const told = accounts.flatMap(({ name, account, line, totals }, at) =>
    totals.flatMap(({ currency, opening, closing, closesOn, booked }) =>
      opening === null || closing === null || closesOn === null
        ? []
        : [{ at, name, account, line, currency, opening, closing, closesOn, booked }],
    ),
  );
  if (told.length === 0) return;
  tx.send(lockSql, [provider]);
  tx.send(keepSql, [
    ...[id, provider, source],
    told.map(({ at }) => at),
    told.map(({ account }) => storable(account)),
    told.map(({ name }) => storable(name)),
    told.map(({ line }) => line),
    told.map(({ currency }) => currency),
    told.map(({ closesOn }) => closesOn),
    told.map(({ opening }) => opening.toString()),
    told.map(({ closing }) => closing.toString()),
    told.map(({ booked }) => booked?.first ?? null),
    told.map(({ booked }) => booked?.last ?? null),
  ]);
  await refuseToldBefore(tx, id, source);
  const rows = await tx.query<BalanceRow>(aroundSql, [id, provider]);
  const chains = Map.groupBy(rows.map(toBalance), (one) =>
    JSON.stringify([one.account, one.source, one.currency]),
  );
  for (const chain of chains.values()) {
    const days = [...Map.groupBy(chain, ({ closesOn }) => closesOn).values()];
    for (const [at, ofDay] of days.entries())
      if (!ofDay[0]!.isBefore) await tellGaps(tx, provider, days[at - 1] ?? [], ofDay, publish);
  }
}

async function refuseToldBefore(tx: Tx, id: string, source: string): Promise<void> {
  interface ToldBefore extends Pick<BalanceRow, 'line' | 'account' | 'currency' | 'opening'> {
    readonly name: string;
    readonly earlier: string;
  }
  const [twice] = await tx.query<ToldBefore>(toldBeforeSql, [id, source]);
  if (twice === undefined) return;
  const { line, name, account, opening, currency, earlier } = twice;
  const from = shownAmount(BigInt(opening), currency);
  throw new StatementRefused(
    line,
    `${name} of ${account} from ${from} on was told by statement ${earlier} before, in another file; a corrected one does not take its place`,
  );
}

async function tellGaps(
  tx: Tx,
  provider: string,
  before: readonly Balance[],
  ofDay: readonly Balance[],
  publish: (tx: Tx, event: PendingOpsEvent) => void,
): Promise<void> {
  const gaps = new Map(gapsOf(before, ofDay).map((gap) => [gap.of, gap]));
  for (const one of ofDay) {
    const gap = gaps.get(one);
    const { statementId, accountN, account, currency, line } = one;
    const breakId = gap
      ? v5(`${statementId}|${accountN}|${currency}|${gap.before.closing}`, gapNamespace)
      : null;
    if (breakId === one.gap) continue;
    tx.send(markSql, [statementId, accountN, currency, breakId]);
    const about = { kind: 'gap', statement: statementId, provider };
    if (one.gap !== null && (await tx.query(closeSql, [one.gap])).length > 0) {
      const data = { ...about, breakId: one.gap, resolution: 'told', slip: null, by: null, reason: null };
      publish(tx, { subject: statementId, event: { type: 'StatementBreakResolved', data } });
    }
    if (gap === undefined || breakId === null) continue;
    const { expected, seen, difference } = saidOf(gap, account, currency);
    const opened = [breakId, statementId, provider, line, currency, difference.toString(), expected, seen];
    if ((await tx.query(openSql, opened)).length === 0) continue;
    const data = { ...about, breakId, line, difference, currency, expected, seen, awaited: null };
    publish(tx, { subject: statementId, event: { type: 'StatementBreakOpened', data } });
  }
}

/** PostgreSQL takes any text but this. */
export const storable = (said: string) => said.replaceAll('\0', '\ufffd').toWellFormed();

function toBalance({ opening, closing, ...row }: BalanceRow) {
  return { ...row, opening: BigInt(opening), closing: BigInt(closing) };
}
