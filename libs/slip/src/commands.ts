import type { Instant } from '@slipstream/kernel';
import type { DataOf } from './draft.ts';
import type { Cause, NotReturnedBasis, SlipEventType, Stage, Transaction } from './events.ts';

type Command<Type extends string, Data> = { readonly type: Type } & Readonly<Data>;
type Records<Type extends string, Recorded extends SlipEventType> = Command<Type, { data: DataOf<Recorded> }>;

export type GatewayCommand =
  | Command<'intend_dispatch', DataOf<'DispatchIntended'>>
  | Records<'record_not_sent', 'DispatchNotSent'>
  | Records<'record_unanswered', 'DispatchUnanswered'>
  | Records<'record_acknowledged', 'SlipAcknowledged'>
  | Records<'record_progress', 'SlipProgressed'>
  | Records<'record_returned', 'SlipReturned'>
  | Records<'record_inquiry_answer', 'InquiryAnswered'>;

export type HoldAnswer =
  | { readonly held: true; readonly transaction: Transaction | null }
  | { readonly held: false; readonly reason: string; readonly detail: string };

export type LedgerCommand =
  | Command<'answer_hold', { answer: HoldAnswer }>
  | Command<'settle', { transaction: Transaction | null }>
  /** Gives the hold back, or refuses a RefundRequested that came too late. */
  | Command<'refund', { transaction: Transaction | null; reason: string }>
  /** Books a success that came after the refund (rule 7). */
  | Command<'compensate', { transaction: Transaction | null; reason: string }>;

export type ReconciliationCommand =
  | Command<'mark_overdue', { stage: Stage; deadline: Instant }>
  | Command<'request_inquiry', { inquiry: number }>
  | Command<'conclude_not_returned', { basis: NotReturnedBasis }>
  | Command<'request_refund', { basis: NotReturnedBasis; requestedBy: string }>
  | Command<'diagnose', { cause: Cause }>
  | { readonly type: 'note_late_return' }
  | Command<'open_case', { reason: string; summary: string }>
  | Command<'close_case', { resolution: string }>;

export type SlipCommand = GatewayCommand | LedgerCommand | ReconciliationCommand;
