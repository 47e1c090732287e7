import { SlipstreamError } from '@slipstream/kernel';
import type { Tx } from '@slipstream/postgres';
import type { PendingOpsEvent } from '@slipstream/slip';
import type { StatementIntake } from '../../application/statements/ports.ts';
import { keepBalances, storable } from './statement-balances.ts';

const knownSql = `
select k.statement_id as by_key, k.digest as key_digest, s.id as by_file, s.due_at = 'infinity' as is_lost
  from (select 1) as one
  left join statement_key k on k.caller = $1 and k.key = $2
  left join statement s on s.source = $3 and s.digest = $4`;

const keySql = 'insert into statement_key (caller, key, digest, statement_id) values ($1, $2, $3, $4)';

/** What must be read of the log before its lines are matched: all that was handled when it came. */
const beginSql = `
insert into statement (id, source, provider, format, digest, bytes, accounts, lines, status, read_to, accepted_at, accepted_by)
select $1, $2, $3, $4, $5, $6, '[]', 0, 'accepted',
  (select coalesce(json_object_agg(partition, next_offset), '{}') from consumer_position
    where consumer_group = $7 and topic = $8 and next_offset > 0),
  clock_timestamp(), $9
on conflict (id) do update set bytes = excluded.bytes, read_to = excluded.read_to, due_at = '-infinity', problem = null`;

const linesSql = `
insert into statement_line (statement_id, n, line, account, kind, amount, gross, currency, booked_on, named, provider_reference, outcome,
  reason, said)
select $1, r.* from unnest($2::int[], $3::int[], $4::int[], $5::text[], $6::bigint[], $7::bigint[], $8::text[], $9::date[], $10::json[],
  $11::text[], $12::text[], $13::text[], $14::text[]) as r`;

const acceptSql = `
update statement set accounts = $2::json, lines = $3, booked_from = $4::date, booked_to = $5::date where id = $1`;

const storableOrNull = (said: string | null) => said && storable(said);

/** `publish`: StatementAccepted, with the commit that keeps it. */
export function statementIntake(
  tx: Tx,
  { group, topic }: { readonly group: string; readonly topic: string },
  publish: (tx: Tx, event: PendingOpsEvent) => void,
): StatementIntake {
  return {
    async known({ source, digest, key, caller }) {
      const [row] = await tx.query<{
        by_key: string | null;
        key_digest: string | null;
        by_file: string | null;
        is_lost: boolean | null;
      }>(knownSql, [caller, key, source.name, digest]);
      const { by_key, key_digest, by_file, is_lost } = row!;
      const keyDigest = `${source.name} ${digest}`;
      if (key_digest !== null && key_digest !== keyDigest)
        throw new SlipstreamError('idempotency_key_reused', 'The key was used with another file or source.');
      if (by_key === null && by_file !== null && is_lost) return { id: by_file, isLost: true };
      if (by_key === null && by_file !== null) tx.send(keySql, [caller, key, keyDigest, by_file]);
      const id = by_key ?? by_file;
      return id === null ? null : { id, isLost: false };
    },
    begin(id, { source, digest, body, key, caller }) {
      const { name, provider, format } = source;
      tx.send(beginSql, [id, name, provider, format, digest, body.length, group, topic, caller]);
      tx.send(keySql, [caller, key, `${name} ${digest}`, id]);
    },
    async lines(id, lines) {
      if (lines.length === 0) return;
      await tx.query(linesSql, [
        id,
        lines.map(({ n }) => n),
        lines.map(({ line }) => line),
        lines.map(({ account }) => account),
        lines.map(({ kind }) => kind),
        lines.map(({ amount }) => amount.toString()),
        lines.map(({ gross }) => gross.toString()),
        lines.map(({ currency }) => currency),
        lines.map(({ bookedOn }) => bookedOn),
        lines.map(({ references }) => JSON.stringify(references.map(storable))),
        lines.map(({ providerReference }) => storableOrNull(providerReference)),
        lines.map(({ outcome }) => outcome),
        lines.map(({ reason }) => storableOrNull(reason)),
        lines.map((one) => storable(one.text)),
      ]);
    },
    async accept(accepted) {
      const { id, file, accounts, lines, bookedFrom, bookedTo, isNew } = accepted;
      const told = accounts.map(({ name, account, totals, lines: count }) => ({
        ...{ name: storable(name), account: storable(account), lines: count },
        totals: totals.map(({ currency, opening, movements, closing }) => ({
          ...{ currency, movements: movements.toString() },
          ...{ opening: opening?.toString() ?? null, closing: closing?.toString() ?? null },
        })),
      }));
      tx.send(acceptSql, [id, JSON.stringify(told), lines, bookedFrom, bookedTo]);
      await keepBalances(tx, accepted, publish);
      if (!isNew) return;
      const { source, digest, caller, requestId } = file;
      publish(tx, {
        subject: id,
        event: {
          type: 'StatementAccepted',
          data: {
            ...{ statement: id, source: source.name, provider: source.provider, format: source.format },
            ...{ digest, lines, bookedFrom, bookedTo, actor: caller, requestId },
          },
        },
      });
    },
  };
}
