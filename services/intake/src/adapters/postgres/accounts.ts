import type { RecordedOpsEvent } from '@slipstream/contracts';
import { type Instant, must } from '@slipstream/kernel';
import type { OutboundRecord, Tx, UnitOfWork } from '@slipstream/postgres';
import type { AccountStatus, PendingOpsEvent } from '@slipstream/slip';
import type { AccountStore } from '../../application/ports.ts';
import type { Standing } from '../../domain/account/standing.ts';
import * as sql from './statements.ts';

interface StandingRow {
  account: string;
  status: AccountStatus;
  reason: string;
  actor: string;
  changed_at: Instant;
}

/** `encode` makes an event's outbox record. */
export function accountStore(
  unitOfWork: UnitOfWork,
  encode: (event: PendingOpsEvent) => OutboundRecord,
): AccountStore {
  const standing = async (by: Pick<UnitOfWork, 'query'>, account: string) => {
    const [row] = await by.query<StandingRow>(sql.standingSql, [account]);
    return row ? toStanding(row) : null;
  };
  return {
    standing: (account) => standing(unitOfWork, account),
    change: (account, decide, traceparent) =>
      unitOfWork.run(async (tx) => {
        // The account may have no row to lock yet. Slips that windows are about lock it so, too.
        await tx.query(sql.lockAccountSql, [account]);
        const known = await standing(tx, account);
        const event = decide(known);
        if (event?.type !== 'AccountStatusChanged') return must(known, 'what is no change is known');
        const { status, previous, reason, actor } = event.data;
        tx.send(sql.setStatusSql, [account, status, previous, reason, actor, null]);
        tx.publish([encode({ subject: account, event, traceparent })]);
        return must(await standing(tx, account), 'what was changed is known');
      }),
  };
}

/** A change that this database lacks, from the log. */
export async function foldAccountEvent(tx: Tx, { event, time }: RecordedOpsEvent): Promise<void> {
  if (event.type !== 'AccountStatusChanged') return;
  const { account, status, previous, reason, actor } = event.data;
  await tx.query(sql.setStatusSql, [account, status, previous, reason, actor, time]);
}

function toStanding({ changed_at: changedAt, ...row }: StandingRow): Standing {
  return { ...row, changedAt };
}
