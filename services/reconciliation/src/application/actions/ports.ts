import type { Instant } from '@slipstream/kernel';
import type { SlipEvent } from '@slipstream/slip';
import type { Action, Ask } from '../../domain/case/act.ts';
import type { Page, Place } from '../newest-first.ts';
import type { Unit } from '../ports.ts';
import type { CaseFilter } from '../reads.ts';

/** Cases of one bulk. */
export const bulkSizeMax = 10_000;

/** How far an action has come. `waiting`: whoever owns the slip will do it; `proposed`: another person must decide. */
export type ActionStatus = 'waiting' | 'proposed' | 'done' | 'declined' | 'refused';

/** Somebody else's word about a refund that was proposed. */
export interface Decision {
  readonly type: 'approve' | 'decline';
  readonly by: string;
  readonly note: string;
}

/** What the key of a request answers for: the same request again gets the same answer. */
export interface RequestKey {
  readonly key: string;
  /** Of all that the request says. */
  readonly digest: Uint8Array;
}

/** One action on one case, as somebody asks for it. */
export interface ActionRequest extends Ask, RequestKey {
  readonly id: string;
  readonly slipId: string;
  readonly partition: number;
  /** The version of the case that they have seen; null: whichever it is. */
  readonly ifVersion: number | null;
}

/** One action on many cases: those that the filter finds now, or that are named. */
export interface BulkRequest extends Ask, RequestKey {
  readonly id: string;
  readonly cases: { readonly slipIds: readonly string[] } | { readonly filter: CaseFilter };
}

/** Why nothing was done. */
export interface Refusal {
  readonly code: 'conflict' | 'version_mismatch';
  readonly detail: string;
}

/** An action as it is kept. */
export interface KeptAction extends Ask {
  readonly id: string;
  readonly bulkId: string | null;
  readonly slipId: string;
  readonly askedAt: Instant;
  readonly status: ActionStatus;
  readonly decision: Decision | null;
  readonly decidedAt: Instant | null;
  /** What was published. */
  readonly events: readonly SlipEvent[];
  /** Why it was refused; null: it was not. */
  readonly refusal: Refusal | null;
  readonly finishedAt: Instant | null;
}

export interface KeptBulk extends Ask {
  readonly id: string;
  readonly askedAt: Instant;
  /** Cases that it is about; fixed when it was asked for. */
  readonly size: number;
  readonly counts: Readonly<Record<ActionStatus, number>>;
}

export type Asked<Kept> =
  | { readonly type: 'asked'; readonly kept: Kept; readonly replayed: boolean }
  | { readonly type: 'key_reused' }
  /** Of a bulk: more cases than {@link bulkSizeMax}. */
  | { readonly type: 'too_many'; readonly found: number };

export type Decided =
  | { readonly type: 'decided'; readonly kept: KeptAction }
  | { readonly type: 'not_found' }
  /** Whoever proposed it must not decide about it. */
  | { readonly type: 'same_person' }
  /** It is proposed no more. */
  | { readonly type: 'too_late'; readonly kept: KeptAction };

export interface ActionFilter {
  readonly slipId: string | null;
  readonly bulkId: string | null;
  readonly status: ActionStatus | null;
  readonly action: Action['type'] | null;
  readonly by: string | null;
}

/** Where actions are asked for, and looked at. */
export interface ActionDesk {
  ask(request: ActionRequest): Promise<Asked<KeptAction>>;
  /** Fixes the list of its cases and asks for the action on each, and tells that on `ops.events.v1`. */
  askForMany(request: BulkRequest): Promise<Asked<KeptBulk>>;
  /** The open cases that a bulk would be about now; null: there are too many. */
  listed(cases: BulkRequest['cases']): Promise<readonly string[] | null>;
  /** Those of the slips that never had a case. */
  withoutCase(slipIds: readonly string[]): Promise<readonly string[]>;
  /** Those of the slips whose refund somebody has proposed. */
  proposed(slipIds: readonly string[]): Promise<ReadonlySet<string>>;
  /** Writes down what another person says of a refund that was proposed. */
  decide(id: string, decision: Decision): Promise<Decided>;
  action(id: string): Promise<KeptAction | null>;
  actions(filter: ActionFilter, from: Place | null, pageSize: number): Promise<Page<KeptAction>>;
  bulk(id: string): Promise<KeptBulk | null>;
  /** Those of the partitions on which an action waits to be done. */
  withWaiting(partitions: readonly number[]): Promise<readonly number[]>;
}

/** An action that waits to be done. */
export interface WaitingAction extends Ask {
  readonly id: string;
  readonly slipId: string;
  readonly ifVersion: number | null;
  readonly decision: Decision | null;
  /** Another action proposes the slip's refund. */
  readonly proposed: boolean;
  /** Of its case. */
  readonly version: number;
}

export interface DoneAction {
  readonly id: string;
  readonly status: Exclude<ActionStatus, 'waiting'>;
  readonly events: readonly SlipEvent[];
  readonly refusal: Refusal | null;
}

/** One transaction on the actions of one partition that this instance owns. */
export interface ActionsUnit {
  readonly unit: Unit;
  readonly now: Instant;
  /** The oldest that wait, at most one for each slip. */
  waiting(partition: number): Promise<readonly WaitingAction[]>;
  /** Cases that are open for longer than so, and were not told on. */
  toEscalate(partition: number, afterMs: number): Promise<readonly string[]>;
  answer(done: readonly DoneAction[]): void;
}
