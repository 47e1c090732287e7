import type { Instant } from '@slipstream/kernel';
import type { SlipEvent } from '@slipstream/slip';
import type {
  ActionStatus,
  Decision,
  DoneAction,
  KeptAction,
  Refusal,
} from '../../application/actions/ports.ts';
import type { Action, ActionType } from '../../domain/case/act.ts';

/** What an action says beside its type. */
interface Details {
  readonly assignee?: string | null;
  readonly of?: string | null;
}

export interface ActionRow {
  readonly action_id: string;
  readonly bulk_id: string | null;
  readonly slip_id: string;
  readonly action: ActionType;
  readonly details: string;
  readonly asked_by: string;
  readonly reason: string;
  readonly asked_at: Instant;
  readonly status: ActionStatus;
  readonly decision: Decision['type'] | null;
  readonly decided_by: string | null;
  readonly decision_note: string | null;
  readonly decided_at: Instant | null;
  readonly result: string | null;
  readonly finished_at: Instant | null;
}

/** Columns of {@link ActionRow} in `case_action a`. */
export const actionColumns = `a.action_id, a.bulk_id, a.slip_id, a.action, a.details::text as details, a.asked_by, a.reason,
  a.asked_at, a.status, a.decision, a.decided_by, a.decision_note, a.decided_at, a.result::text as result, a.finished_at`;

export function writeDetails({ type: _, ...details }: Action): string {
  return JSON.stringify(details satisfies Details);
}

export function toAction(type: ActionType, written: string): Action {
  const { assignee = null, of = null } = JSON.parse(written) as Details;
  if (type === 'assign') return { type, assignee };
  return type === 'close' ? { type, of } : { type };
}

/** What came of it: what was published, or why nothing was. */
interface Result {
  readonly events: readonly SlipEvent[];
  readonly refusal: Refusal | null;
}

export function writeResult({ events, refusal }: DoneAction): string {
  return JSON.stringify({ events, refusal } satisfies Result);
}

export function toKept(row: ActionRow): KeptAction {
  const { events, refusal }: Result = row.result
    ? (JSON.parse(row.result) as Result)
    : { events: [], refusal: null };
  return {
    ...{ id: row.action_id, bulkId: row.bulk_id, slipId: row.slip_id, by: row.asked_by, reason: row.reason },
    ...{ action: toAction(row.action, row.details), askedAt: row.asked_at, status: row.status },
    ...{ decision: toDecision(row), decidedAt: row.decided_at, finishedAt: row.finished_at },
    ...{ events, refusal },
  };
}

export function toDecision({
  decision,
  decided_by: by,
  decision_note: note,
}: Pick<ActionRow, 'decision' | 'decided_by' | 'decision_note'>): Decision | null {
  return decision === null || by === null ? null : { type: decision, by, note: note ?? '' };
}
