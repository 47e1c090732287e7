import type { Instant } from '@slipstream/kernel';
import type { Tx } from '@slipstream/postgres';
import type { ProofSwitch, ProofSwitches } from '../../application/ports.ts';

const allSql = 'select provider, off, reason, actor, changed_at from proof_switch order by provider';

// A switch that stands so already stays as it was: with who set it, and why.
const setSql = `
insert into proof_switch as s (provider, off, reason, actor, changed_at)
values ($1, $2, $3, $4, coalesce($5, clock_timestamp()))
on conflict (provider) do update
  set off = excluded.off, reason = excluded.reason, actor = excluded.actor, changed_at = excluded.changed_at
  where s.off <> excluded.off
returning off`;

interface Row {
  provider: string;
  off: boolean;
  reason: string;
  actor: string;
  changed_at: Instant;
}

export function proofSwitches(tx: Tx): ProofSwitches {
  return {
    async all() {
      const rows = await tx.query<Row>(allSql);
      return new Map(
        rows.map(({ provider, off, reason, actor, changed_at: changedAt }) => [
          provider,
          { off, reason, actor, changedAt },
        ]),
      );
    },
    set: (provider, state) => setProofSwitch(tx, provider, state, null),
  };
}

/** @param at null: now. @returns false when it stood so already */
export async function setProofSwitch(
  tx: Tx,
  provider: string,
  { off, reason, actor }: Omit<ProofSwitch, 'changedAt'>,
  at: Instant | null,
): Promise<boolean> {
  return (await tx.query(setSql, [provider, off, reason, actor, at])).length > 0;
}
