import type { Instant, Money } from '@slipstream/kernel';
import type { Tx, UnitOfWork } from '@slipstream/postgres';
import type { Spent } from '../../domain/repair/budget.ts';

/** Nobody else reads what is left, or takes of it, until the transaction ends. */
const lockSql = "select pg_advisory_xact_lock(hashtextextended('repair budget', 0))";

/**
 * A refund counts for an hour, and for what is left of its minute: in no hour can more than the budget be spent. Our own trouble
 * counts for ten minutes in the same way.
 */
const spentSql = `
select currency, sum(refunds)::int as refunds, sum(amount)::text as amount,
  coalesce(sum(own_trouble) filter (where minute > clock_timestamp() - interval '11 minutes'), 0)::int as own_trouble
  from repair_spent where minute > clock_timestamp() - interval '61 minutes' group by currency`;

const spendSql = `
with old as (delete from repair_spent where minute < clock_timestamp() - interval '2 hours')
insert into repair_spent (minute, currency, refunds, amount, own_trouble)
select date_trunc('minute', coalesce($4::timestamptz, clock_timestamp())), s.currency, sum(s.refunds), sum(s.amount), sum(s.own_trouble)
  from (select currency, 1 as refunds, amount, 0 as own_trouble from unnest($1::text[], $2::numeric[]) as r(currency, amount)
    union all select '', 0, 0, $3::int where $3::int > 0) as s group by s.currency
on conflict (minute, currency) do update set
  refunds = repair_spent.refunds + excluded.refunds, amount = repair_spent.amount + excluded.amount,
  own_trouble = repair_spent.own_trouble + excluded.own_trouble`;

interface SpentRow {
  readonly currency: string;
  readonly refunds: number;
  readonly amount: string;
  readonly own_trouble: number;
}

/** As {@link Unit.spent} says. */
export async function lockSpent(tx: Tx): Promise<Spent> {
  await tx.query(lockSql);
  return toSpent(await tx.query<SpentRow>(spentSql));
}

/** `at` null: now. */
export function addSpent(
  tx: Tx,
  refunds: readonly (Money | null)[],
  ownTrouble: number,
  at: Instant | null = null,
): void {
  if (refunds.length + ownTrouble === 0) return;
  tx.send(spendSql, [
    refunds.map((amount) => amount?.currency ?? ''),
    refunds.map((amount) => String(amount?.amount ?? 0n)),
    ...[ownTrouble, at],
  ]);
}

/** For people: it may be more a moment later. */
export async function lookAtSpent(unitOfWork: Pick<UnitOfWork, 'query'>): Promise<Spent> {
  return toSpent(await unitOfWork.query<SpentRow>(spentSql));
}

function toSpent(rows: readonly SpentRow[]): Spent {
  return {
    count: rows.reduce((sum, { refunds }) => sum + refunds, 0),
    ownTrouble: rows.reduce((sum, { own_trouble }) => sum + own_trouble, 0),
    amounts: new Map(
      rows.filter(({ currency }) => currency !== '').map((row) => [row.currency, BigInt(row.amount)]),
    ),
  };
}
