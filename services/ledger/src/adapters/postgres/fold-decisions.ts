import type { RecordedOpsEvent } from '@slipstream/contracts';
import type { Tx } from '@slipstream/postgres';
import type { DataOf, RecordedEvent } from '@slipstream/slip';

const said = /^suspense_(give_back|uphold|write_off)_(proposed|declined)$/;

const proposedSql = `
insert into suspense_decision (decision_id, slip_id, entry, decision, reason, proposed_by, proposed_at, request_key, digest)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict do nothing`;
const declinedSql = `
update suspense_decision set status = 'declined', decided_by = $2, note = $3, decided_at = $4
where decision_id = $1 and status = 'proposed'`;
// A release that did not say which it is: about the same money there is one.
const approvedSql = `
update suspense_decision set status = 'approved', decided_by = $3, note = $4, decided_at = $5, transaction_id = $6
where status = 'proposed' and decision_id = coalesce($1::uuid, (
  select decision_id from suspense_decision where slip_id = $2 and entry = $7 and status = 'proposed'))`;

/** What somebody proposed about money in suspense, or declined, written into a database that does not know it. */
export async function foldProposal(tx: Tx, { event, time }: RecordedOpsEvent): Promise<void> {
  if (event.type !== 'OperatorActed') return;
  const { action, target, reason, actor, requestId, request, entry } = event.data;
  const [, decision, verb] = said.exec(action) ?? [];
  if (verb === 'declined') await tx.query(declinedSql, [requestId, actor, reason, time]);
  // A release that did not say the rest proposed something that must be proposed anew.
  if (verb !== 'proposed' || !request || typeof entry !== 'number') return;
  const digest = Buffer.from(request.digest, 'hex');
  await tx.query(proposedSql, [requestId, target, entry, decision, reason, actor, time, request.key, digest]);
}

/** That another person approved it. @param transactionId of what is booked for it */
export async function foldApproval(
  tx: Tx,
  { slipId, time }: RecordedEvent,
  { approvedBy, note, entry = null, decisionId = null }: DataOf<'SuspenseDecided'>,
  transactionId: string,
): Promise<void> {
  await tx.query(approvedSql, [decisionId, slipId, approvedBy, note, time, transactionId, entry]);
}
