import type { UnitOfWork } from '@slipstream/postgres';
import type { DayBridgeView } from '../../application/statements/ports.ts';
import type { DaySums } from '../../domain/statement/bridge.ts';
import type { Stretch } from '../../domain/statement/continuity.ts';
import { dayBridgeOf, type ToldOfDay, unstatedDayOf } from '../../domain/statement/day-bridge.ts';
import type { Day } from '../../domain/statement/statement.ts';
import { type LineSums, lineSums } from './line-sums.ts';
import { ofTheFiles } from './statement-balances.ts';

/** Files with lines of the day. */
const filesSql = `
select id, source, status, accounts::text as accounts from statement
 where daterange(booked_from, booked_to, '[]') @> $2::date and booked_from is not null and provider = $1`;

/**
 * Of each account that a statement with balances tells of on the day: those from the first one that reaches the day up to the last one that
 * begins by then, and those of the day before them, with which it began.
 */
const balancesSql = `
with touched as (
  select account, source, currency, least(min(closes_on), $2::date) as first, greatest(max(closes_on), $2::date) as last
    from statement_balance where daterange(first_on, last_on, '[]') @> $2::date and provider = $1 group by account, source, currency)
select b.statement_id as "statementId", b.account_n as "accountN", b.account, b.source, b.currency, b.name, b.closes_on::text as "closesOn",
  b.opening::text as opening, b.closing::text as closing, b.first_on::text as "firstOn", b.last_on::text as "lastOn",
  b.closes_on < t.first as "isFormer", s.status
  from touched t
  join statement_balance b on b.provider = $1 and b.account = t.account and b.source = t.source and b.currency = t.currency
  join statement s on s.id = b.statement_id
 where b.closes_on <= t.last
   and b.closes_on >= coalesce((select max(o.closes_on) from statement_balance o where o.provider = $1 and o.account = t.account
     and o.source = t.source and o.currency = t.currency and o.closes_on < t.first), t.first)
 order by b.account collate "C", b.source collate "C", b.currency collate "C", b.closes_on, ${ofTheFiles}`;

interface FileRow {
  readonly id: string;
  readonly source: string;
  readonly status: string;
  readonly accounts: string;
}

interface BalanceRow {
  readonly statementId: string;
  readonly accountN: number;
  readonly account: string;
  readonly source: string;
  readonly currency: string;
  readonly name: string;
  readonly closesOn: Day;
  readonly opening: string;
  readonly closing: string;
  readonly firstOn: Day;
  readonly lastOn: Day;
  readonly isFormer: boolean;
  readonly status: string;
}

type Of = Pick<DayBridgeView, 'account' | 'source' | 'currency'>;

/** What all statements of a provider tell of one day; null: one that tells of it is not matched yet. */
export async function dayBridges(
  unitOfWork: UnitOfWork,
  provider: string,
  day: Day,
): Promise<readonly DayBridgeView[] | null> {
  const files = await unitOfWork.query<FileRow>(filesSql, [provider, day]);
  const balances = await unitOfWork.query<BalanceRow>(balancesSql, [provider, day]);
  const begun = balances.filter(({ isFormer, firstOn }) => !isFormer && firstOn <= day);
  if ([...files, ...begun].some(({ status }) => status !== 'matched')) return null;
  const ids = new Set([...files.map(({ id }) => id), ...begun.map(({ statementId }) => statementId)]);
  const sums = Map.groupBy(await lineSums(unitOfWork, [...ids], day), (one) =>
    keyOf(one.statementId, one.account, one.currency),
  );
  const stated = Map.groupBy(balances, ({ account, source, currency }) =>
    JSON.stringify([account, source, currency]),
  );
  const bridges = [...stated.values()].map((ofAccount): DayBridgeView => {
    const { account, source, currency } = ofAccount[0]!;
    const former = ofAccount.filter(({ isFormer }) => isFormer).map(toStretch);
    const reaching = ofAccount.filter(({ isFormer }) => !isFormer).map((row) => toTold(row, day, sums));
    const days = [...Map.groupBy(reaching, ({ closesOn }) => closesOn).values()];
    return { account, source: source || null, currency, ...dayBridgeOf(day, former, days) };
  });
  return [...bridges, ...unstated(files, begun, day, sums)];
}

const keyOf = (...parts: readonly [statement: string, account: number, currency: string]) => parts.join(' ');

function toStretch({ opening, closing, closesOn }: BalanceRow): Stretch {
  return { opening: BigInt(opening), closing: BigInt(closing), closesOn };
}

function toTold(row: BalanceRow, day: Day, sums: ReadonlyMap<string, readonly LineSums[]>): ToldOfDay {
  const { statementId, accountN, currency, name, firstOn, lastOn } = row;
  const all = (sums.get(keyOf(statementId, accountN, currency)) ?? []).map((one) => one.sums);
  const before = all.filter((one) => one.day < day).reduce((sum, one) => sum + movedBy(one), 0n);
  const ofDay = all.find((one) => one.day === day) ?? null;
  return { ...toStretch(row), name, firstOn, lastOn, before, sums: ofDay };
}

function movedBy({ movements, fees, transfers, conversions, breaks }: DaySums): bigint {
  return [...breaks.values()].reduce(
    (all, { amount }) => all + amount,
    movements + fees + transfers + conversions,
  );
}

/** Lines of statements that say nothing of what the account holds, such as a camt.054. */
function unstated(
  files: readonly FileRow[],
  balances: readonly BalanceRow[],
  day: Day,
  sums: ReadonlyMap<string, readonly LineSums[]>,
): readonly DayBridgeView[] {
  const withBalance = new Set(
    balances.map(({ statementId, accountN, currency }) => keyOf(statementId, accountN, currency)),
  );
  const names = new Map(
    files.flatMap(({ id, source, accounts }) =>
      (JSON.parse(accounts) as { name: string; account: string }[]).map(
        ({ name, account }, at) =>
          [`${id} ${at}`, { name, account, source: account ? null : source }] as const,
      ),
    ),
  );
  const told = [...sums.entries()].flatMap(([key, all]) => {
    const ofDay = all.find((one) => one.sums.day === day);
    if (ofDay === undefined || withBalance.has(key)) return [];
    const { name, account, source } = names.get(`${ofDay.statementId} ${ofDay.account}`)!;
    const of: Of = { account, source, currency: ofDay.currency };
    return [{ of, name, sums: ofDay.sums }];
  });
  const byAccount = Map.groupBy(told, ({ of }) => JSON.stringify([of.account, of.source, of.currency]));
  return [...byAccount.entries()]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([, all]) => ({ ...all[0]!.of, ...unstatedDayOf(day, all) }));
}
