import type { Tx } from '@slipstream/postgres';
import type { RecordedEvent, SlipEvent } from '@slipstream/slip';
import type { ActionStatus, Decision } from '../../application/actions/ports.ts';
import type { Action } from '../../domain/case/act.ts';
import { closedByHand } from '../../domain/case/reasons.ts';
import { requestedByItself } from '../../domain/repair/budget.ts';
import { writeDetails, writeResult } from './action-rows.ts';

/**
 * The action that asked for it is done if this database knows of it; else it gets a row with the event's id, and no key that anybody
 * knows. One that people decided about is found by who asked for it, or by its being proposed.
 */
const foldSql = `
with known as (
  select action_id from case_action
   where slip_id = $2 and action = $4 and status in ('waiting', 'proposed') and ($6::text is null or asked_by = $6)
     and ($7::text is null or reason = $7)
   order by status = 'proposed' desc, asked_at limit 1
), done as (
  update case_action a set status = $8, result = $9::json, finished_at = case when $8 = 'proposed' then null else $10::timestamptz end,
    decision = $11, decided_by = $12, decision_note = $13, decided_at = case when $12::text is null then null else $10::timestamptz end
   from known where a.action_id = known.action_id
)
insert into case_action (action_id, slip_id, partition, action, details, asked_by, reason, request_key, digest, asked_at, status, result,
  finished_at, decision, decided_by, decision_note, decided_at)
select $1::uuid, $2, $3, $4, $5::json, $6, coalesce($7, ''), $1::text, '', $10, $8, $9::json,
    case when $8 = 'proposed' then null else $10::timestamptz end, $11, $12, $13,
    case when $12::text is null then null else $10::timestamptz end
 where $6::text is not null and not exists (select 1 from known)
on conflict do nothing`;

/** What people had done about a case, as the event tells it. */
interface Act {
  readonly action: Action;
  /** null: not told; it is the one that was proposed. */
  readonly by: string | null;
  readonly reason: string | null;
  readonly status: ActionStatus;
  readonly decision: Decision | null;
}

/** Keeps what people had done: nobody does it again, and what was proposed still waits for another person. */
export function foldAct(tx: Tx, { id, slipId, event, time }: RecordedEvent, partition: number): void {
  const act = actOf(event);
  if (act === null) return;
  const { action, by, reason, status, decision } = act;
  const result = writeResult({ id, status: 'done', events: [event], refusal: null });
  tx.send(foldSql, [
    ...[id, slipId, partition, action.type, writeDetails(action), by, reason, status, result, time],
    ...[decision?.type ?? null, decision?.by ?? null, decision?.note ?? null],
  ]);
}

function actOf(event: SlipEvent): Act | null {
  const done = { status: 'done', decision: null } as const;
  switch (event.type) {
    case 'InquiryRequested': {
      const { requestedBy: by = null, reason = null } = event.data;
      return by === null ? null : { action: { type: 'inquire' }, by, reason, ...done };
    }
    case 'RefundRequested': {
      const { requestedBy: by, approvedBy = null, reason = null } = event.data;
      if (by === requestedByItself && reason === null) return null;
      if (approvedBy === null) return { action: { type: 'release' }, by, reason, ...done };
      const decision: Decision = { type: 'approve', by: approvedBy, note: '' };
      return { action: { type: 'refund' }, by, reason, status: 'done', decision };
    }
    case 'CaseAssigned': {
      const { by, note, assignee } = event.data;
      return { action: { type: 'assign', assignee }, by, reason: note, ...done };
    }
    case 'CaseClosed': {
      const { by = null, note = null, resolution, reason: of } = event.data;
      if (by === null || resolution !== closedByHand) return null;
      return { action: { type: 'close', of }, by, reason: note, ...done };
    }
    case 'CaseNoted':
      return notedAct(event.data);
    default:
      return null;
  }
}

function notedAct({ by, code, text }: Extract<SlipEvent, { type: 'CaseNoted' }>['data']): Act | null {
  switch (code) {
    case 'note':
      return { action: { type: 'note' }, by, reason: text, status: 'done', decision: null };
    case 'refund_proposed':
      return { action: { type: 'refund' }, by, reason: text, status: 'proposed', decision: null };
    case 'refund_declined': {
      const decision: Decision = { type: 'decline', by, note: text };
      return { action: { type: 'refund' }, by: null, reason: null, status: 'declined', decision };
    }
    default:
      return null;
  }
}
