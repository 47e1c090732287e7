import type { Instant } from '@slipstream/kernel';
import type { Tx } from '@slipstream/postgres';
import type { ClaimedInquiry, Inquiries, PeoplesQuestion } from '../../application/ports.ts';
import { givenBackNumber, type Inquiry, peopleNumber, type Said } from '../../domain/inquiry/inquiry.ts';

// This service's own question is about the latest call: where the slip was handed on, or the call was repeated, it begins anew.
const addSql = `
insert into inquiry (slip_id, n, provider, status, due_at)
select slip_id, n, provider, 'due', due_at
from unnest($1::text[], $2::int[], $3::text[], $4::timestamptz[]) as i(slip_id, n, provider, due_at)
order by slip_id, n
on conflict (slip_id, n) do update
  set provider = excluded.provider, status = 'due', due_at = excluded.due_at, asked_at = null, lease_until = null
  where inquiry.n = 0 and (inquiry.provider <> excluded.provider or inquiry.due_at < excluded.due_at)`;

// Now stands in a query of its own, which is asked once: compared with the clock row by row, all that is not due yet is read, too.
// A question whose lease ran out was asked by an instance that died: it is due again, which is harmless. The reconciler's and
// people's questions go before this service's own, which may be many and are put again and again while a provider is away.
const claimSql = `
with expired as (
  update inquiry set status = 'due', lease_until = null where (slip_id, n) in (
    select i.slip_id, i.n from inquiry i
    where i.status = 'asking' and i.lease_until < clock_timestamp()
    order by i.lease_until limit 1000 for update skip locked)
), wanted as (
  select due.slip_id, due.n, p.lease_ms
  from unnest($1::text[], $2::int[], $3::int[]) as p(id, free, lease_ms),
  lateral (
    select i.slip_id, i.n from inquiry i
    where i.provider = p.id and i.status = 'due' and i.due_at <= (select clock_timestamp())
    order by (i.n = 0 or i.n <= ${givenBackNumber}), i.due_at limit p.free for update skip locked
  ) as due
), strange as (
  select i.slip_id, i.n, 1000 as lease_ms from inquiry i
  where i.status = 'due' and i.due_at <= (select clock_timestamp()) and not (i.provider = any($4))
  order by i.due_at limit 100 for update skip locked
)
update inquiry i set status = 'asking', asked_at = clock_timestamp(),
  lease_until = clock_timestamp() + make_interval(secs => w.lease_ms / 1000.0)
from (select * from wanted union all select * from strange) as w
where i.slip_id = w.slip_id and i.n = w.n
returning i.slip_id, i.n, i.provider, i.asked_at`;

const postponeSql = `
update inquiry i set status = 'due', due_at = w.due_at, lease_until = null
from unnest($1::text[], $2::int[], $3::timestamptz[]) as w(slip_id, n, due_at)
where i.slip_id = w.slip_id and i.n = w.n`;

const lockUnansweredSql = `
select i.slip_id, i.n, i.status from inquiry i
join unnest($1::text[], $2::int[]) as w(slip_id, n) on i.slip_id = w.slip_id and i.n = w.n
order by i.slip_id, i.n for update of i`;

const markAnsweredSql = `
update inquiry i set status = 'answered', lease_until = null, answer = w.answer, detail = w.detail
from unnest($1::text[], $2::int[], $3::text[], $4::text[]) as w(slip_id, n, answer, detail)
where i.slip_id = w.slip_id and i.n = w.n`;

const peoplesSql = `
select slip_id, provider, status, due_at, asked_at, answer, detail from inquiry
where slip_id = $1 and n = ${peopleNumber}`;

const askForPeopleSql = `
insert into inquiry (slip_id, n, provider, status, due_at) values ($1, ${peopleNumber}, $2, 'due', $3)
on conflict (slip_id, n) do update
  set provider = excluded.provider, status = 'due', due_at = excluded.due_at, lease_until = null, answer = null, detail = null`;

// Before there is a row to be locked: two who ask first at once would both put a question.
const lockPeoplesSql = "select pg_advisory_xact_lock(hashtextextended('asked by people: ' || $1, 0))";

interface ClaimedRow {
  slip_id: string;
  n: number;
  provider: string;
  asked_at: Instant;
}

interface PeoplesRow {
  slip_id: string;
  provider: string;
  status: PeoplesQuestion['status'];
  due_at: Instant;
  asked_at: Instant | null;
  answer: Said['answer'] | null;
  detail: string | null;
}

const epoch: Instant = '1970-01-01T00:00:00.000000Z';

export function inquiries(tx: Tx): Inquiries {
  return {
    async add(wanted) {
      tx.send(addSql, [
        wanted.map((one) => one.slipId),
        wanted.map((one) => one.n),
        wanted.map((one) => one.provider),
        wanted.map((one) => one.dueAt),
      ]);
    },
    async claimDue(limits, leaseMs) {
      const providers = [...limits.keys()];
      const rows = await tx.query<ClaimedRow>(claimSql, [
        providers,
        [...limits.values()],
        providers.map((id) => leaseMs.get(id) ?? 1_000),
        [...leaseMs.keys()],
      ]);
      const due = rows.map(toClaimed).toSorted(byId);
      return {
        now:
          due
            .map((one) => one.askedAt)
            .toSorted()
            .at(-1) ?? epoch,
        due,
      };
    },
    async postpone(until) {
      if (until.size === 0) return;
      tx.send(postponeSql, [...keys([...until.keys()]), [...until.values()]]);
    },
    async lockUnanswered(asked) {
      const rows = await tx.query<{ slip_id: string; n: number; status: string }>(
        lockUnansweredSql,
        keys(asked),
      );
      const open = rows.filter((row) => row.status !== 'answered');
      return new Set(open.map((row) => `${row.slip_id} ${row.n}`));
    },
    async markAnswered(answered) {
      if (answered.length === 0) return;
      tx.send(markAnsweredSql, [
        ...keys(answered),
        answered.map(({ said }) => said?.answer ?? null),
        answered.map(({ said }) => said?.detail ?? null),
      ]);
    },
    async askedByPeople(slipId, change) {
      if (change) await tx.query(lockPeoplesSql, [slipId]);
      const [row] = await tx.query<PeoplesRow>(peoplesSql + (change ? ' for update' : ''), [slipId]);
      return row ? toQuestion(row) : null;
    },
    async askForPeople({ slipId, provider, dueAt }) {
      tx.send(askForPeopleSql, [slipId, provider, dueAt]);
    },
  };
}

function toQuestion(row: PeoplesRow): PeoplesQuestion {
  const { slip_id: slipId, provider, status, answer, detail } = row;
  // Of one that is to be asked anew: what came of it before is gone.
  const askedAt = status === 'due' ? null : row.asked_at;
  const said = answer === null ? null : { answer, detail: detail ?? '' };
  return { slipId, provider, status, askAt: row.due_at, askedAt, said };
}

function toClaimed(row: ClaimedRow): ClaimedInquiry {
  return { slipId: row.slip_id, n: row.n, provider: row.provider, askedAt: row.asked_at };
}

/** Answers are published in the order of their questions. */
function byId(a: Inquiry, b: Inquiry): number {
  return a.slipId === b.slipId ? a.n - b.n : a.slipId < b.slipId ? -1 : 1;
}

function keys(inquiries: readonly Inquiry[]): unknown[] {
  return [inquiries.map((one) => one.slipId), inquiries.map((one) => one.n)];
}
