import type { Instant } from '@slipstream/kernel';
import type { Tx } from '@slipstream/postgres';
import { type AnsweredRequest, type DataOf, isLive, type RecordedEvent } from '@slipstream/slip';
import { submitOperation } from '../../application/submit-requests.ts';
import { type GateRules, gateOf } from '../../domain/submission/gates.ts';
import type { Submission } from '../../domain/submission/submission.ts';
import type { IntakeStatus } from '../../domain/waiting/waiting-slip.ts';
import * as sql from './fold-statements.ts';
import { gateRow } from './gate-rows.ts';
import { writeDraft } from './waiting-store.ts';

/**
 * Writes what an event of intake's own says into a database that lacks it (ADR 100): all that was decided stays decided, and
 * a key that was answered keeps its answer. What was refused over HTTP left nothing behind.
 */
export async function foldSlipEvent(
  tx: Tx,
  recorded: RecordedEvent,
  partition: number,
  rules: GateRules,
): Promise<void> {
  const { slipId, event, time } = recorded;
  const to = (status: IntakeStatus) => tx.send(sql.foldStatusSql, [slipId, status]);
  switch (event.type) {
    case 'SlipSubmitted':
      foldSlip(tx, recorded, event.data, event.data.reviewRequired ? 'in_review' : 'submitted');
      tx.send(sql.foldNoDraftSql, [slipId]);
      if (event.data.reviewRequired) foldReview(tx, recorded, event.data);
      foldWindows(tx, recorded, event.data, rules);
      answered(tx, recorded, partition, event.data);
      return;
    case 'SlipRejected': {
      const { caller, reference, commandId } = event.data;
      if (commandId) tx.send(sql.foldRefusedSql, [caller, commandId, reference, slipId]);
      return;
    }
    case 'SlipDrafted': {
      const { remindAt, expiresAt } = event.data;
      foldSlip(tx, recorded, event.data, 'draft');
      const draft = writeDraft({ submission: submissionOf(event.data), remindAt, expiresAt });
      tx.send(sql.foldDraftSql, [slipId, draft]);
      answered(tx, recorded, partition, event.data);
      return;
    }
    case 'DraftReminderDue':
      to('draft');
      tx.send(sql.foldRemindedSql, [slipId]);
      return;
    case 'DraftExpired':
      to('expired');
      tx.send(sql.foldNoDraftSql, [slipId]);
      return;
    case 'SlipWithdrawn': {
      const { by, reason } = event.data;
      to('withdrawn');
      tx.send(sql.foldNoDraftSql, [slipId]);
      tx.send(sql.foldEndSql, [slipId, 'withdrawn', by, '', reason]);
      return;
    }
    case 'ReviewRequested': {
      const { rules: asked, approvals, dueAt, firstSlipId, outcomeDeadlineMs } = event.data;
      to('in_review');
      tx.send(sql.foldTermsSql, [slipId, asked, approvals, dueAt, firstSlipId, outcomeDeadlineMs ?? null]);
      // The answer names the last event that the request wrote.
      tx.send(sql.foldLaterSql, [slipId, recorded.sequence]);
      return;
    }
    case 'ReviewClaimed':
      to('in_review');
      tx.send(sql.foldClaimSql, [slipId, event.data.by]);
      return;
    case 'ReviewReleased':
      to('in_review');
      tx.send(sql.foldClaimSql, [slipId, null]);
      return;
    case 'ApprovalGiven':
      to('in_review');
      tx.send(sql.foldFirstSql, [slipId, event.data.by]);
      return;
    case 'SlipApproved': {
      const { by, note } = event.data;
      to('submitted');
      tx.send(sql.foldApprovalSql, [slipId, by, note]);
      // It passed the gates once more.
      tx.send(sql.foldAgainSql, [slipId, time]);
      return;
    }
    case 'SlipDeclined': {
      const { by, reason, detail } = event.data;
      to('declined');
      tx.send(sql.foldEndSql, [slipId, 'declined', by, reason, detail]);
      return;
    }
    default:
      return;
  }
}

type Submitted = DataOf<'SlipSubmitted'>;
type Made = Pick<Submitted, 'caller' | 'reference' | 'request' | 'commandId'>;

/** A draft that is confirmed has its row already. */
function foldSlip(tx: Tx, { slipId, clock, time }: RecordedEvent, made: Made, status: IntakeStatus): void {
  const { caller, reference, commandId, request } = made;
  const row = [slipId, caller, reference, clock, digestOf(request), status, commandId ?? null, time];
  tx.send(sql.foldSlipSql, row);
}

function answered(tx: Tx, recorded: RecordedEvent, partition: number, { caller, request }: Made): void {
  if (!request) return;
  const { operation, key } = request;
  const { slipId, sequence, time } = recorded;
  const answer = [caller, operation, key, digestOf(request), slipId, partition, sequence, time];
  tx.send(operation === submitOperation ? sql.foldSubmitAnswerSql : sql.foldChangeAnswerSql, answer);
}

function digestOf(request: AnsweredRequest | null | undefined): Buffer {
  return Buffer.from(request?.digest ?? '', 'hex');
}

/** ReviewRequested follows with the rest. */
function foldReview(tx: Tx, { slipId, time }: RecordedEvent, data: Submitted): void {
  const { caller, reference, kind, account, counterparty, amount, route, deadline } = data;
  const money = [amount?.amount ?? null, amount?.currency ?? null];
  const about = [slipId, caller, reference, kind, account, counterparty, ...money, route];
  tx.send(sql.foldReviewSql, [...about, time, deadline]);
}

/** Rules about windows of time look back at it, as far as the rules of today do. */
function foldWindows(
  tx: Tx,
  { slipId, clock, time }: RecordedEvent,
  data: Submitted,
  rules: GateRules,
): void {
  if (!isLive(clock)) return;
  const { account, gate } = gateRow(gateOf(data, rules));
  if (gate !== null) tx.send(sql.foldRecentSql, [account, time, slipId, gate]);
}

type Wished = Pick<DataOf<'SlipDrafted'>, 'details'> & Omit<Submission, 'metadata'>;

function submissionOf(data: Wished & { readonly deadline: Instant | null }): Submission {
  const { caller, reference, kind, account, counterparty, amount, route, deadline, details } = data;
  const metadata = details?.clear?.metadata ?? {};
  return { caller, reference, kind, account, counterparty, amount, route, deadline, metadata };
}
