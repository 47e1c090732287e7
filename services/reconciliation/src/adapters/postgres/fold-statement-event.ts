import type { RecordedOpsEvent } from '@slipstream/contracts';
import type { Tx } from '@slipstream/postgres';
import type { RecordedEvent } from '@slipstream/slip';
import { wantedOf } from './break-events.ts';

/** Its lines are not in the log. Nobody waits for it meanwhile, and what was told of them stays. */
const acceptedSql = `
insert into statement (id, source, provider, format, digest, bytes, accounts, lines, booked_from, booked_to, status, read_to, accepted_at,
  accepted_by, due_at, problem, has_told)
values ($1, $2, $3, $4, $5, 0, '[]', $6, $7, $8, 'accepted', '{}', $9, $10, 'infinity', $11, true)
on conflict do nothing`;
const problem = 'Its lines are not here: this database was put back from a copy. Give the file again.';

const toldSql = `
insert into told_line (statement_id, n, line, slip_id, paid, came_back) values ($1, $2, $3, $4, $5, $6) on conflict do nothing`;
const hasToldSql = 'update statement set has_told = true where id = $1 and not has_told';

const openedSql = `
insert into statement_break (id, kind, statement_id, provider, n, line, slip_id, currency, difference, expected, seen, awaited, wanted,
  status, opened_at)
select $1, $2, $3::uuid, coalesce($4, (select provider from statement where id = $3::uuid),
  (select provider from booked_slip where slip_id = $7), ''), $5, $6, $7, $8, $9, $10, $11, $12, $13, 'open', $14
on conflict (id) do nothing`;

/** What came once more and is told of after all was given back. */
const resolvedSql = `
update statement_break set status = 'resolved', resolved_at = $2, resolution = $3, resolved_by = $4, reason = coalesce($5, reason),
  given_back = given_back or (kind = 'duplicate' and $3 = 'told')
 where id = $1 and status <> 'resolved'`;

/** Writes what an event of our own tells of lines and breaks into a database that lacks it: neither is told again. */
export function foldStatementEvent(tx: Tx, { event, slipId, time }: RecordedEvent): void {
  switch (event.type) {
    case 'StatementLineMatched': {
      const { statement, line, number = null, paid, cameBack, amount, outcome } = event.data;
      // An older release told the amount alone.
      const [isBack, told] = [outcome !== 'succeeded', amount?.amount ?? 0n];
      const [paidThen, backThen] = [paid ?? (isBack ? 0n : told), cameBack ?? (isBack ? -told : 0n)];
      toldOfLine(tx, [statement, number, line, slipId, paidThen.toString(), backThen.toString()]);
      return;
    }
    case 'BreakOpened': {
      const { breakId, kind, statement, line, difference, currency, expected, seen, awaited } = event.data;
      const {
        number = null,
        provider = null,
        wanted = wantedOf({ type: kind, seen, difference }, null),
      } = event.data;
      tx.send(openedSql, [
        ...[breakId, kind, statement, provider, number, line, slipId, currency, difference.toString()],
        ...[expected, seen, awaited, wanted, time],
      ]);
      // Behind its match, if it has one.
      if (line !== null) toldOfLine(tx, [statement, number, line, slipId, '0', '0']);
      return;
    }
    case 'BreakResolved': {
      const { breakId, resolution, by, reason } = event.data;
      tx.send(resolvedSql, [breakId, time, resolution, by, reason]);
      return;
    }
    default:
      return;
  }
}

/** The same of what is about no slip, or about several at once. */
export function foldStatementOpsEvent(tx: Tx, { event, time }: RecordedOpsEvent): void {
  switch (event.type) {
    case 'StatementAccepted': {
      const { statement, source, provider, format, digest, lines, bookedFrom, bookedTo, actor } = event.data;
      const file = [statement, source, provider, format, digest, lines, bookedFrom, bookedTo];
      tx.send(acceptedSql, [...file, time, actor, problem]);
      return;
    }
    case 'StatementBreakOpened': {
      const { breakId, kind, statement, provider, line, difference, currency, expected, seen, awaited } =
        event.data;
      const { number = null } = event.data;
      tx.send(openedSql, [
        ...[breakId, kind, statement, provider, number, line, null, currency, difference.toString()],
        ...[expected, seen, awaited, null, time],
      ]);
      if (kind !== 'gap') toldOfLine(tx, [statement, number, line, null, '0', '0']);
      return;
    }
    case 'StatementBreakResolved': {
      const { breakId, resolution, by, reason } = event.data;
      tx.send(resolvedSql, [breakId, time, resolution, by, reason]);
      return;
    }
    default:
      return;
  }
}

function toldOfLine(tx: Tx, told: readonly [string, number | null, number, string | null, string, string]) {
  tx.send(toldSql, [...told]);
  tx.send(hasToldSql, [told[0]]);
}
