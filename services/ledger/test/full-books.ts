import { encodeSlipEvent, stampEnvelope } from '@slipstream/contracts';
import { type Instant, instantFromMs } from '@slipstream/kernel';
import { rowsOf, type UnitOfWork } from '@slipstream/postgres';
import type { SlipEvent } from '@slipstream/slip';
import { tagRow } from '../src/adapters/postgres/ledger-tx.ts';
import { eventLog, slipTags } from '../src/adapters/postgres/tables.ts';
import { metadataTag, providerReferenceTag } from '../src/domain/log/tags.ts';
import { eur, recordedAs, submitted } from './builders.ts';

/** Slips that are written by one statement. */
const chunk = 10_000;
export const partitions = 12;

/** Tables that grow with the number of slips. */
export const growing = ['slip', 'event_log', 'entry', 'account', 'slip_tag'] as const;

/** Of the n-th slip, counted from 1. */
export const idOf = (n: number): string => `slip-${n}`;
const partitionOf = (n: number): number => n % partitions;
export const listedAt = (n: number): Instant => instantFromMs(Date.UTC(2026, 0, 1) + n * 1_000);
/** Whether what the n-th slip settled was denied, so that its money may move no more but by people. */
export const isDenied = (n: number): boolean => n % 23 === 0 && n % 51 > 0 && n % 53 > 0;
/** Behind all offsets that full books have in any partition. */
export const offsetBehind = (slips: number): number => 2 * slips + 3;

/**
 * Fills the tables that questions read with slips a second apart, as many of each kind as busy months leave: nine in ten on the
 * wall clock, most of them settled, one in a hundred overdue, one in 23 denied after it was settled. Their logs end where the provider
 * took them, whatever the rows say.
 */
export async function fillBooks(unitOfWork: UnitOfWork, slips: number): Promise<void> {
  await unitOfWork.query(accountsSql);
  await unitOfWork.query('analyze account');
  for (let from = 1; from <= slips; from += chunk) {
    const until = Math.min(slips, from + chunk - 1);
    const numbers = Array.from({ length: until - from + 1 }, (_, index) => from + index);
    await unitOfWork.query(slipsSql, [from, until]);
    await unitOfWork.run(async (tx) => {
      await tx.insert(
        eventLog,
        rowsOf(
          numbers.flatMap((n) => [
            { n, version: 1 },
            { n, version: 2 },
          ]),
          logRow,
        ),
      );
      const tags = numbers.flatMap((n) => [
        ...(hasChannel(n) ? [{ n, version: 1, name: metadataTag('channel'), value: 'web' }] : []),
        { n, version: 2, name: providerReferenceTag, value: `p-${n}` },
      ]);
      await tx.insert(
        slipTags,
        rowsOf(tags, ({ n, version, ...tag }) =>
          tagRow({ ...tag, partition: partitionOf(n), offset: 2 * n + version }),
        ),
      );
    });
    await unitOfWork.query(entriesSql, [from, until]);
    await unitOfWork.query(denialsSql, [from, until]);
  }
  // As autovacuum does a range after the other.
  await unitOfWork.query("select brin_summarize_new_values('slip_tag_by_digest')");
  for (const table of growing) await unitOfWork.query(`analyze ${table}`);
}

const hasChannel = (n: number): boolean => n % 2 === 0;

function eventOf(n: number, version: number): SlipEvent {
  if (version === 2) {
    const evidence = 'synchronous_reply' as const;
    const data = { provider: `provider-${n % 5}`, providerReference: `p-${n}`, evidence, providerTime: null };
    return { type: 'SlipAcknowledged', data };
  }
  const terms = {
    ...{
      reference: `ord-${n}`,
      account: n % 3 === 1 ? 'busy' : `cust-${n % 5_000}`,
      counterparty: `shop-${n % 50}`,
      amount: eur(n),
    },
    provider: `provider-${n % 5}`,
  };
  const event = submitted(terms) as Extract<SlipEvent, { type: 'SlipSubmitted' }>;
  if (!hasChannel(n)) return event;
  const details = { clear: { text: '', metadata: { channel: 'web' } }, sealed: null };
  return { ...event, data: { ...event.data, details } };
}

function logRow({ n, version }: { readonly n: number; readonly version: number }) {
  const { id, source, slipId, event } = recordedAs(eventOf(n, version), version, idOf(n));
  const clock = n % 10 === 0 ? 'import-1' : 'wall';
  const body = encodeSlipEvent({ id, source, subject: slipId, clock }, event);
  const time = listedAt(n);
  return {
    ...{ partition: partitionOf(n), kafka_offset: 2 * n + version, slip_id: slipId, version },
    bytes: stampEnvelope(body, { sequence: String(2 * n + version), time, receivedTime: time }),
    ...{ chain: emptyChain, status: 'held', mark: null },
  };
}

/** 32 bytes: nobody follows it here. */
const emptyChain = '\0'.repeat(32);

/** Of those that were denied: no statement has shown the money yet. */
const isReversed = (n: string) => `${n} % 230 = 69`;

const slipsSql = `
insert into slip (id, partition, clock, reference, account, counterparty, provider, kind, status, rare_status, outcome, amount, currency,
  listed_at, confirmed_at, first_offset, overdue, not_returned, cause_class, cause_code, case_status, caller, route, version, position, chain, entries,
  snapshot_version, hold_status)
select 'slip-' || n, n % 12, case when n % 10 = 0 then 'import-1' else 'wall' end, 'ord-' || n, case when n % 3 = 1 then 'busy' else 'cust-' || n % 5000 end, 'shop-' || n % 50,
  'provider-' || n % 5, 'order', status, case when status in ('held', 'settled') then null else status end,
  case when status in ('settled', 'conflicted') then 'succeeded' end, n, 'EUR', timestamptz '2026-01-01' + n * interval '1 s',
  case when n % 3 = 0 then timestamptz '2026-01-01' + n * interval '1 s' + interval '1 h' end, n * 2 + 1, n % 101 = 0,
  n % 202 = 0, case when n % 101 = 0 then 'third_party' end, case when n % 101 = 0 then 'callback_lost' end,
  case when n % 101 = 0 then 'open' end, 'shop', 'default', 1, n * 2 + 1, sha256(''), 1, 0,
  case when status <> 'conflicted' then null when ${isReversed('n')} then 'reversed' else 'restored' end
from (select n, case when n % 51 = 0 then 'refunded' when n % 53 = 0 then 'held' when n % 23 = 0 then 'conflicted' else 'settled' end as status
        from generate_series($1::int, $2::int) n) s`;

/** A payer in ten is an importer's; those and the providers' have a row in three partitions each. */
const accountsSql = `
insert into account (owner, kind, currency, clock, partition)
select 'cust-' || n, kind, case when n % 1000 = 7 then 'KWD' else 'EUR' end, case when n % 10 = 0 then 'import-1' else 'wall' end, p
from generate_series(0, 4999) n, unnest(array['available', 'held']) kind, generate_series(0, 2) p
union all
select 'cust-' || n, 'suspense', 'EUR', 'wall', p from generate_series(9, 4999, 10) n, generate_series(0, 2) p
union all
select 'provider-' || n, kind, 'EUR', 'wall', p
from generate_series(0, 4) n, unnest(array['settlement', 'receivable']) kind, generate_series(0, 2) p`;

/** Held of all, settled of those on the wall clock. */
const entriesSql = `
insert into entry (slip_id, n, type, id, debit, credit, amount, at)
select 'slip-' || s.n, e.n, e.type, gen_random_uuid(), d.id, c.id, s.n, timestamptz '2026-01-01' + s.n * interval '1 s'
from generate_series($1::int, $2::int) as s(n)
  cross join (values (1, 'hold', 'available', 'held'), (2, 'settle', 'held', 'settlement')) as e(n, type, debit, credit)
  join account d on d.owner = 'cust-' || s.n % 5000 and d.kind = e.debit and d.partition = s.n % 3
  join account c on c.owner = case e.n when 1 then 'cust-' || s.n % 5000 else 'provider-' || s.n % 5 end and c.kind = e.credit and c.partition = s.n % 3
    and c.clock = d.clock and c.currency = d.currency`;

const denialsSql = `
insert into entry (slip_id, n, type, id, debit, credit, amount, at)
select 'slip-' || s.n, 3, 'compensate', gen_random_uuid(), d.id, c.id, s.n, timestamptz '2026-01-01' + s.n * interval '1 s'
from generate_series($1::int, $2::int) as s(n)
  join account d on d.owner = 'provider-' || s.n % 5 and d.kind = 'receivable' and d.partition = s.n % 3
  join account c on c.owner = 'cust-' || s.n % 5000 and c.kind = case when ${isReversed('s.n')} then 'suspense' else 'available' end
    and c.partition = s.n % 3 and c.clock = d.clock and c.currency = d.currency
where s.n % 23 = 0 and s.n % 51 > 0 and s.n % 53 > 0`;
