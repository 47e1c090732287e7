import type { CauseClass } from './events.ts';

/**
 * A code of ISO 20022's external code set ExternalStatusReason1: AB05 timeout at the creditor agent, AB06 timeout at an
 * instructed agent, AB08 creditor agent offline, AB09 error there, AB10 error at an instructed agent (this system), AG09
 * payment not received, AM04 insufficient funds, MS03 not specified.
 */
export type IsoReason = 'AB05' | 'AB06' | 'AB08' | 'AB09' | 'AB10' | 'AG09' | 'AM04' | 'MS03';

interface CauseKind {
  readonly class: CauseClass;
  /** Null where none of the set says it. */
  readonly iso: IsoReason | null;
}

/** Every cause that a diagnosis can name. Codes are stored for ever: add, never rename. */
export const causes = {
  hold_late: { class: 'system', iso: 'AB10' },
  never_dispatched: { class: 'system', iso: 'AB10' },
  gateway_interrupted: { class: 'system', iso: 'AB10' },
  intake_stalled: { class: 'system', iso: 'AB10' },
  ledger_stalled: { class: 'system', iso: 'AB10' },
  gateway_stalled: { class: 'system', iso: 'AB10' },
  services_stalled: { class: 'system', iso: 'AB10' },
  provider_unreachable: { class: 'network', iso: 'AB08' },
  provider_refused: { class: 'third_party', iso: 'AB08' },
  provider_address_wrong: { class: 'configuration', iso: 'AB10' },
  provider_moved: { class: 'configuration', iso: 'AB10' },
  request_lost: { class: 'network', iso: 'AG09' },
  reply_lost: { class: 'network', iso: 'AB06' },
  callback_lost: { class: 'third_party', iso: 'AB05' },
  callback_signature_refused: { class: 'configuration', iso: 'AB10' },
  provider_slow: { class: 'third_party', iso: 'AB05' },
  provider_pending: { class: 'third_party', iso: 'AB05' },
  provider_busy: { class: 'third_party', iso: 'AB09' },
  provider_error: { class: 'third_party', iso: 'AB09' },
  garbage_answer: { class: 'third_party', iso: 'AB09' },
  provider_dropped: { class: 'third_party', iso: 'AB09' },
  provider_rejected: { class: 'third_party', iso: 'MS03' },
  provider_voided: { class: 'third_party', iso: 'MS03' },
  rejected_for_payer: { class: 'user', iso: 'MS03' },
  no_report: { class: 'third_party', iso: 'AB05' },
  no_acknowledgement: { class: 'third_party', iso: 'AB05' },
  silent_after_acknowledgement: { class: 'third_party', iso: 'AB05' },
  silent_after_progress: { class: 'third_party', iso: 'AB05' },
  undetermined: { class: 'undetermined', iso: null },
} as const satisfies Record<string, CauseKind>;

export type CauseCode = keyof typeof causes;

/** Whose fault a cause is. */
export const causeClasses: readonly CauseClass[] = [
  ...new Set<CauseClass>(Object.values(causes).map(({ class: of }) => of)),
];

export const causeCodes = Object.keys(causes) as readonly CauseCode[];

/** The kind of a code read from the log; null for one that a later version named. */
export function causeKind(code: string): CauseKind | null {
  return Object.hasOwn(causes, code) ? causes[code as CauseCode] : null;
}
