import type { Tx } from '@slipstream/postgres';
import type { Commands, UsedKey } from '../../application/ports.ts';

// Whoever holds the key in an open transaction is waited for.
const takeSql = `
insert into keyed_command (caller, key, digest) values ($1, $2, $3) on conflict (caller, key) do nothing returning key`;

const usedSql = 'select digest, answer from keyed_command where caller = $1 and key = $2';

const answeredSql = 'update keyed_command set answer = $3 where caller = $1 and key = $2';

export function commands(tx: Tx): Commands {
  return {
    async take({ caller, key, digest }) {
      if ((await tx.query(takeSql, [caller, key, digest])).length > 0) return null;
      const [used] = await tx.query<UsedKey>(usedSql, [caller, key]);
      return used ?? null;
    },
    async answered({ caller, key }, answer) {
      tx.send(answeredSql, [caller, key, JSON.stringify(answer)]);
    },
  };
}
