import type { RecordedOpsEvent } from '@slipstream/contracts';
import type { Instant } from '@slipstream/kernel';
import type { Tx } from '@slipstream/postgres';
import { brokenPromise } from '../../application/broken-promise.ts';
import type { ProviderState, ProviderStates } from '../../application/ports.ts';
import { setProofSwitch } from './proof-switches.ts';

const allSql = 'select provider, disabled, reason, actor, changed_at from provider_state order by provider';

// A switch that stands so already stays as it was: with who set it, and why.
const saveSql = `
insert into provider_state as s (provider, disabled, reason, actor, changed_at)
values ($1, $2, $3, $4, clock_timestamp())
on conflict (provider) do update
  set disabled = excluded.disabled, reason = excluded.reason, actor = excluded.actor, changed_at = excluded.changed_at
  where s.disabled <> excluded.disabled
returning disabled`;

interface Row {
  provider: string;
  disabled: boolean;
  reason: string;
  actor: string;
  changed_at: Instant;
}

export function providerStates(tx: Tx): ProviderStates {
  return {
    async all() {
      const rows = await tx.query<Row>(allSql);
      return new Map(rows.map((row) => [row.provider, toState(row)]));
    },
    async set(provider, { disabled, reason, actor }) {
      const rows = await tx.query<Row>(saveSql, [provider, disabled, reason, actor]);
      return rows.length > 0;
    },
  };
}

function toState({ disabled, reason, actor, changed_at }: Row): ProviderState {
  return { disabled, reason, actor, changedAt: changed_at };
}

const foldSql = `
insert into provider_state (provider, disabled, reason, actor, changed_at) values ($1, $2, $3, $4, $5)
on conflict (provider) do update
  set disabled = excluded.disabled, reason = excluded.reason, actor = excluded.actor, changed_at = excluded.changed_at`;

/** Writes a switch that the log tells of into a database that was put back to before it. */
export async function foldSwitch(tx: Tx, { event, time }: RecordedOpsEvent): Promise<void> {
  switch (event.type) {
    case 'ProviderDisabled':
    case 'ProviderEnabled': {
      const { provider, reason, actor } = event.data;
      await tx.query(foldSql, [provider, event.type === 'ProviderDisabled', reason, actor, time]);
      return;
    }
    case 'ProviderPromiseBroken': {
      const { provider, slips } = event.data;
      await setProofSwitch(tx, provider, { off: true, ...brokenPromise(slips) }, time);
      return;
    }
    case 'ProviderProofRestored': {
      const { provider, reason, actor } = event.data;
      await setProofSwitch(tx, provider, { off: false, reason, actor }, time);
      return;
    }
    default:
  }
}
