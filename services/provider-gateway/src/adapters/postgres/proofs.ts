import { type Instant, must } from '@slipstream/kernel';
import type { Tx } from '@slipstream/postgres';
import type { Proofs, SlipDenials } from '../../application/ports.ts';
import type { Certificate } from '../../domain/proof/certificate.ts';
import type { AttemptDenials, Denial } from '../../domain/proof/denials.ts';

const keepSql = `
insert into denial (slip_id, attempt, provider, kept, recheck_at)
select * from unnest($1::text[], $2::int[], $3::text[], $4::jsonb[], $5::timestamptz[])
on conflict (slip_id, attempt) do update set kept = excluded.kept, recheck_at = excluded.recheck_at`;

// The clock is read also where there is no row.
const keptSql = `
select clock_timestamp() as now, d.slip_id, d.attempt, d.provider, d.kept from (select 1) as one
left join denial d on d.slip_id = any($1)`;

const certifySql = `
insert into certificate (slip_id, issued_at, envelope)
select * from unnest($1::text[], $2::timestamptz[], $3::text[]) on conflict (slip_id) do nothing`;

// Now stands in a query of its own, which is asked once: compared with the clock row by row, all that is not due yet is read, too.
const claimRechecksSql = `
with due as (
  select d.slip_id, d.attempt, p.lease_ms
  from unnest($1::text[], $2::int[], $3::int[]) as p(id, free, lease_ms),
  lateral (
    select slip_id, attempt from denial where provider = p.id and recheck_at <= (select clock_timestamp())
    order by recheck_at limit p.free for update skip locked
  ) as d
)
update denial d set recheck_at = clock_timestamp() + make_interval(secs => w.lease_ms / 1000.0)
from due w left join dispatch s using (slip_id) where d.slip_id = w.slip_id and d.attempt = w.attempt
returning d.slip_id, d.provider, s.route, s.traceparent, clock_timestamp() as asked_at, d.kept->'denials'->1->>'receivedAt' as proved_at`;

// What is still asked about: the others kept their promise as long as anybody looked.
const atRiskSql = `
select s.currency, count(*) as slips, coalesce(sum(s.amount), 0)::text as amount,
  (array_agg(d.slip_id order by d.slip_id))[1:$2] as first
from denial d join dispatch s using (slip_id)
where d.provider = $1 and d.recheck_at is not null and d.slip_id <> all($3) group by s.currency order by s.currency`;

const recheckAtSql = 'update denial set recheck_at = $3 where slip_id = $1 and provider = $2';

/** Of the slips at risk that an event names. */
const namedMax = 100;

const certificateSql = 'select envelope from certificate where slip_id = $1';

interface KeptRow {
  now: Instant;
  slip_id: string | null;
  attempt: number;
  provider: string;
  kept: Kept;
}

interface RecheckRow {
  slip_id: string;
  provider: string;
  route: string | null;
  traceparent: string | null;
  asked_at: Instant;
  proved_at: Instant;
}

interface RiskRow {
  currency: string | null;
  slips: string;
  amount: string;
  first: string[];
}

type Kept = Pick<AttemptDenials, 'digest' | 'notAfter' | 'declared' | 'cancelled'> & {
  readonly denials: readonly (Omit<Denial, 'body'> & { readonly body: string })[];
};

/** @param sign makes a certificate's envelope, as it is given out */
export function proofs(tx: Tx, sign: (certificate: Certificate) => string): Proofs {
  return {
    async keep(denials) {
      // Of an attempt that was denied twice in a batch, the later state.
      const last = [...new Map(denials.map((one) => [`${one.slipId} ${one.attempt}`, one])).values()];
      tx.send(keepSql, [
        last.map((one) => one.slipId),
        last.map((one) => one.attempt),
        last.map((one) => one.provider),
        last.map((one) => JSON.stringify(toKept(one))),
        last.map((one) => one.recheckAt),
      ]);
    },
    async claimRechecks(limits, leaseMs) {
      const providers = [...limits.keys()];
      const rows = await tx.query<RecheckRow>(claimRechecksSql, [
        providers,
        [...limits.values()],
        providers.map((id) => leaseMs.get(id) ?? 1_000),
      ]);
      return rows.map(({ route, traceparent, ...row }) => ({
        ...{ slipId: row.slip_id, provider: row.provider, askedAt: row.asked_at, provedAt: row.proved_at },
        askedFor: { n: null, route: route ?? '', traceparent: traceparent ?? '' },
      }));
    },
    async recheckAt({ slipId, provider }, at) {
      tx.send(recheckAtSql, [slipId, provider, at]);
    },
    async atRisk(provider, without) {
      const rows = await tx.query<RiskRow>(atRiskSql, [provider, namedMax, without]);
      const amounts = rows.flatMap(({ currency, amount }) =>
        currency === null ? [] : [{ amount: BigInt(amount), currency }],
      );
      return {
        slips: rows.reduce((all, { slips }) => all + Number(slips), 0),
        amounts,
        first: rows.flatMap(({ first }) => first).slice(0, namedMax),
      };
    },
    async of(slipIds) {
      const rows = await tx.query<KeptRow>(keptSql, [slipIds]);
      const found = rows.filter((row) => row.slip_id !== null);
      const bySlip = Map.groupBy(found, (row) => row.slip_id!);
      return {
        now: must(rows[0], 'the clock').now,
        kept: new Map([...bySlip].map(([slipId, kept]) => [slipId, kept.map(toDenials)])),
      };
    },
    async certify(certificates) {
      if (certificates.length === 0) return;
      tx.send(certifySql, [
        certificates.map(({ slip }) => slip.slipId),
        certificates.map(({ issuedAt }) => issuedAt),
        certificates.map(sign),
      ]);
    },
    async certificate(slipId) {
      const [row] = await tx.query<{ envelope: string }>(certificateSql, [slipId]);
      return row?.envelope ?? null;
    },
  };
}

function toKept({ digest, notAfter, declared, denials, cancelled = false }: SlipDenials): Kept {
  const bodies = denials.map((one) => ({ ...one, body: Buffer.from(one.body).toString('base64') }));
  return { digest, notAfter, declared, denials: bodies, ...(cancelled && { cancelled }) };
}

function toDenials({ attempt, provider, kept }: KeptRow): AttemptDenials {
  const [first, second] = kept.denials.map((one) => ({ ...one, body: Buffer.from(one.body, 'base64') }));
  const { digest, notAfter, declared, cancelled = false } = kept;
  const one = must(first, 'a denial');
  const intent = { attempt, provider, digest, notAfter, declared };
  return { ...intent, denials: second ? [one, second] : [one], ...(cancelled && { cancelled }) };
}
