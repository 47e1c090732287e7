import { type Instant, must } from '@slipstream/kernel';
import type { Tx } from '@slipstream/postgres';
import type { Proofs, SlipDenials } from '../../application/ports.ts';
import type { Certificate } from '../../domain/proof/certificate.ts';
import type { AttemptDenials, Denial } from '../../domain/proof/denials.ts';

const keepSql = `
insert into denial (slip_id, attempt, provider, kept)
select * from unnest($1::text[], $2::int[], $3::text[], $4::jsonb[])
on conflict (slip_id, attempt) do update set kept = excluded.kept`;

// The clock is read also where there is no row.
const keptSql = `
select clock_timestamp() as now, d.* from (select 1) as one
left join denial d on d.slip_id = any($1)`;

const certifySql = `
insert into certificate (slip_id, issued_at, envelope)
select * from unnest($1::text[], $2::timestamptz[], $3::text[]) on conflict (slip_id) do nothing`;

const certificateSql = 'select envelope from certificate where slip_id = $1';

interface KeptRow {
  now: Instant;
  slip_id: string | null;
  attempt: number;
  provider: string;
  kept: Kept;
}

type Kept = Pick<AttemptDenials, 'digest' | 'notAfter' | 'declared'> & {
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
      ]);
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

function toKept({ digest, notAfter, declared, denials }: SlipDenials): Kept {
  const bodies = denials.map((one) => ({ ...one, body: Buffer.from(one.body).toString('base64') }));
  return { digest, notAfter, declared, denials: bodies };
}

function toDenials({ attempt, provider, kept }: KeptRow): AttemptDenials {
  const [first, second] = kept.denials.map((one) => ({ ...one, body: Buffer.from(one.body, 'base64') }));
  const { digest, notAfter, declared } = kept;
  const one = must(first, 'a denial');
  return { attempt, provider, digest, notAfter, declared, denials: second ? [one, second] : [one] };
}
