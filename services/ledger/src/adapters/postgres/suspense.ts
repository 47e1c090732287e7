import type { Instant, PageOf, PageRequest } from '@slipstream/kernel';
import type { OutboundRecord, Tx } from '@slipstream/postgres';
import type { PendingEvent, PendingOpsEvent, SlipKind, SuspenseDecision } from '@slipstream/slip';
import type {
  DecisionFilter,
  DecisionStatus,
  KeptDecision,
  MoneyInSuspense,
  SuspenseFilter,
  SuspenseOrigin,
  SuspenseReads,
  SuspenseTx,
} from '../../application/suspense/ports.ts';
import { reportedProvider } from '../../domain/posting/chart.ts';
import { readLookedPage } from './looked-page.ts';

interface MoneyRow {
  id: string;
  partition: number;
  clock: string;
  reference: string | null;
  kind: SlipKind;
  counterparty: string;
  origin: SuspenseOrigin;
  entry: number;
  listed_at: Instant;
  account: string;
  currency: string;
  provider: string;
  amount: string;
  since: Instant;
  decision_id: string | null;
  decision: SuspenseDecision;
  decision_status: DecisionStatus;
  proposed_by: string;
  proposed_at: Instant;
}

/** A hold that was denied after it was settled, or one that a success could not settle. */
const waits = "(s.hold_status = 'reversed' or (s.hold_status = 'held' and s.outcome = 'succeeded'))";
/** The payer has the money, and a provider owes it. */
const claimed = "s.hold_status in ('restored', 'compensated')";
/** All of it is one of these, which are rare and have an index. */
const rareStatuses = ['conflicted', 'unknown'] as const;
/**
 * With the last entry that put something into suspense, or aside, or claimed it. About a claim a decision is by the slip's last entry:
 * about the one that made it there may be one already, which gave the money back. Of slips of which nothing lies there, `origin` is null.
 */
const moneyAmong = (slips: string, more = '') => `
select s.id, s.partition, s.clock, s.reference, coalesce(s.hold_terms::json ->> 'kind', s.kind) as kind,
       coalesce(s.hold_terms::json ->> 'counterparty', s.counterparty) as counterparty, s.listed_at, r.origin, r.entry, r.account,
       r.currency, r.provider, r.amount::text, r.since, d.decision_id, d.decision, d.status as decision_status, d.proposed_by, d.proposed_at${more}
from ${slips} s
left join lateral (
  select case when ${claimed} then (select max(l.n) from entry l where l.slip_id = s.id) else e.n end as entry,
         case when ${claimed} then coalesce(s.hold_terms::json ->> 'account', s.account) else c.owner end as account,
         c.currency, case s.hold_status when 'compensated' then (select sum(l.amount) from entry l join account o on o.id = l.debit
             where l.slip_id = s.id and o.kind = 'receivable') else e.amount end as amount, e.at as since,
         case s.hold_status when 'held' then 'in_doubt' when 'reversed' then 'denied' else 'claimed' end as origin,
         case c.kind when 'held' then coalesce(s.provider, '${reportedProvider}') else p.owner end as provider
  from entry e join account c on c.id = e.credit join account p on p.id = e.debit
  where (${waits} or ${claimed}) and e.slip_id = s.id and case s.hold_status when 'held' then c.kind = 'held'
    when 'reversed' then c.kind = 'suspense' else p.kind = 'receivable' end
  order by e.n desc limit 1) as r on true
left join suspense_decision d on d.slip_id = s.id and d.entry = r.entry and d.status <> 'declined'`;

interface DecisionRow {
  decision_id: string;
  slip_id: string;
  decision: SuspenseDecision;
  reason: string;
  proposed_by: string;
  proposed_at: Instant;
  status: DecisionStatus;
  decided_by: string | null;
  note: string | null;
  decided_at: Instant | null;
  transaction_id: string | null;
}

/** Of what was approved the books say what became of it: a slip's first entry is its hold, and a later one put aside what was denied. */
const decisionsAmong = (decisions: string, more = '') => `
  select d.decision_id, d.slip_id, d.decision, d.reason, d.proposed_by, d.proposed_at, d.decided_by, d.note, d.decided_at,
         case when e.id is not null then d.transaction_id end as transaction_id,
         case when d.status <> 'approved' then d.status when e.id is not null then 'booked'
           when d.decision = 'write_off' then case when ${claimed} then 'approved' else 'overtaken' end
           when ${waits} and (d.entry = 1) = (s.hold_status = 'held') then 'approved' else 'overtaken' end as status${more}
  from ${decisions} d left join slip s on s.id = d.slip_id
  left join entry e on d.status = 'approved' and e.slip_id = d.slip_id and e.id = d.transaction_id`;

type Asked = Pick<Tx, 'query'>;

export function suspenseReads(database: Asked): SuspenseReads {
  return {
    of: (slipId) => moneyOf(database, slipId),
    isKnown: (slipId) => isKnown(database, slipId),
    list: (filter, page) => list(database, filter, page),
    decision: (id) => decisionOf(database, id),
    decisions: (filter, page) => decisions(database, filter, page),
  };
}

export interface Outbound {
  event(event: PendingEvent): OutboundRecord;
  opsEvent(event: PendingOpsEvent): OutboundRecord;
}

const byKeySql =
  'select decision_id as id, digest from suspense_decision where proposed_by = $1 and request_key = $2';

const addSql = `
insert into suspense_decision (decision_id, slip_id, entry, decision, reason, proposed_by, request_key, digest)
values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict do nothing returning 1`;

const keepSql = `
update suspense_decision set status = $2, decided_by = $3, note = $4, transaction_id = $5, decided_at = clock_timestamp()
 where decision_id = $1`;

/** The port over one transaction. */
export function suspenseTx(tx: Tx, outbound: Outbound): SuspenseTx {
  return {
    of: (slipId) => moneyOf(tx, slipId),
    isKnown: (slipId) => isKnown(tx, slipId),
    async byKey(by, key) {
      const [row] = await tx.query<{ id: string; digest: Buffer }>(byKeySql, [by, key]);
      return row ?? null;
    },
    async add({ id, slipId, decision, reason, by, key, digest }, entry) {
      const parameters = [id, slipId, entry, decision, reason, by, key, Buffer.from(digest)];
      return (await tx.query(addSql, parameters)).length > 0;
    },
    async lock(id) {
      await tx.query('select 1 from suspense_decision where decision_id = $1 for update', [id]);
      return decisionOf(tx, id);
    },
    async keep(id, { type, by, note }, transactionId) {
      const status = type === 'approve' ? 'approved' : 'declined';
      await tx.query(keepSql, [id, status, by, note, transactionId]);
    },
    publish: (event) => tx.publish([outbound.event(event)]),
    tell: (event) => tx.publish([outbound.opsEvent(event)]),
  };
}

async function moneyOf(database: Asked, slipId: string): Promise<MoneyInSuspense | null> {
  const [row] = await database.query<MoneyRow>(
    `${moneyAmong('slip')} where s.id = $1 and r.origin is not null`,
    [slipId],
  );
  return row === undefined ? null : toMoney(row);
}

async function isKnown(database: Asked, slipId: string): Promise<boolean> {
  return (await database.query('select 1 from slip where id = $1', [slipId])).length > 0;
}

async function decisionOf(database: Asked, id: string): Promise<KeptDecision | null> {
  const [row] = await database.query<DecisionRow>(
    `${decisionsAmong('suspense_decision')} where d.decision_id = $1`,
    [id],
  );
  return row === undefined ? null : toDecision(row);
}

/** Slips, and decisions, that a page looks at. */
const examinedMax = 1_000;

function list(
  database: Asked,
  { clock, slip, origin, account, provider, currency, proposed }: SuspenseFilter,
  page: PageRequest,
): Promise<PageOf<MoneyInSuspense>> {
  const { parameters, place, equals } = new Asking();
  const among =
    slip === undefined
      ? rareStatuses.map((status) => `s.clock = ${place(clock)} and s.rare_status = '${status}'`)
      : [`s.id = ${place(slip)} and s.clock = ${place(clock)}`];
  const matches = [
    'origin is not null',
    ...equals({ origin, account, provider, currency }),
    // A claim waits for its provider, until somebody asks what can be written off, or what becomes of one slip.
    ...(origin === undefined && slip === undefined ? ["origin <> 'claimed'"] : []),
    ...(proposed === undefined ? [] : [`decision_id is ${proposed ? 'not null' : 'null'}`]),
  ];
  return readLookedPage<MoneyRow, MoneyInSuspense>(
    database,
    {
      ...{ examinedMax, matches, parameters },
      rows: ({ condition, first }) =>
        among.map((one) => `select s.* from slip s where ${one} and ${condition} ${first}`),
      told: (looked) => moneyAmong(looked, ', s.examined'),
      keys: [
        { column: 'listed_at', type: 'timestamptz' },
        { column: 'id', type: 'text' },
      ],
      order: 'asc',
      toItem: toMoney,
      keyOf: ({ listed_at, id }) => [listed_at, id],
    },
    page,
  );
}

function decisions(
  database: Asked,
  { slip, proposedBy, status }: DecisionFilter,
  page: PageRequest,
): Promise<PageOf<KeptDecision>> {
  const { parameters, equals } = new Asking();
  const among = equals({ slip_id: slip });
  return readLookedPage<DecisionRow, KeptDecision>(
    database,
    {
      ...{ examinedMax, matches: equals({ proposed_by: proposedBy, status }), parameters },
      rows: ({ condition, first }) => [
        `select * from suspense_decision where ${[condition, ...among].join(' and ')} ${first}`,
      ],
      told: (looked) => decisionsAmong(looked, ', d.examined'),
      keys: [
        { column: 'proposed_at', type: 'timestamptz' },
        { column: 'decision_id', type: 'uuid' },
      ],
      order: 'desc',
      toItem: toDecision,
      keyOf: ({ proposed_at, decision_id }) => [proposed_at, decision_id],
    },
    page,
  );
}

/** What a filter says of columns, with the parameters of the statement. */
class Asking {
  readonly parameters: unknown[] = [];
  readonly place = (value: unknown): string => `$${this.parameters.push(value)}`;
  readonly equals = (columns: Readonly<Record<string, unknown>>): string[] =>
    Object.entries(columns).flatMap(([column, value]) =>
      value === undefined ? [] : [`${column} = ${this.place(value)}`],
    );
}

function toMoney(row: MoneyRow): MoneyInSuspense {
  const { id, partition, clock, origin, entry, reference, kind } = row;
  const { account, counterparty, provider, currency, since } = row;
  return {
    ...{ slipId: id, partition, clock, origin, entry, reference, kind },
    ...{ account, counterparty, provider, since },
    amount: { amount: BigInt(row.amount), currency },
    decision:
      row.decision_id === null
        ? null
        : {
            ...{ id: row.decision_id, decision: row.decision, status: row.decision_status },
            ...{ proposedBy: row.proposed_by, proposedAt: row.proposed_at },
          },
  };
}

function toDecision(row: DecisionRow): KeptDecision {
  return {
    ...{ id: row.decision_id, slipId: row.slip_id, decision: row.decision, reason: row.reason },
    ...{ proposedBy: row.proposed_by, proposedAt: row.proposed_at, status: row.status },
    ...{ decidedBy: row.decided_by, note: row.note, decidedAt: row.decided_at },
    transactionId: row.transaction_id,
  };
}
