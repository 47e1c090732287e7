import type { CauseClass } from '@slipstream/slip';

/**
 * Which class each fault belongs to, as docs/reference/causes.md says: written down before anything was measured. Two classes:
 * what is seen cannot tell the two apart (there, below "What cannot be told apart"). None: a slip that meets it misses nothing.
 */
export const labels = {
  // What the simulated providers do to single slips.
  refuse_connection: ['network'],
  timeout_before_work: ['network'],
  timeout_after_work: ['network'],
  executes_late: ['network'],
  error_500_before_work: ['third_party'],
  error_500_after_work: ['third_party'],
  reject: ['user'],
  lost_callback: ['third_party'],
  duplicate_callback: [],
  late_callback: ['third_party'],
  forged_callback: [],
  reordered_callback: [],
  contradicting_callback: [],
  not_found_early: ['third_party'],
  amount_changed: [],
  currency_changed: [],
  // It fails for any of a provider's usual reasons, of which some name the payer.
  zero_amount_failure: ['third_party', 'user'],
  garbage_body: ['third_party'],
  slow_drip: ['network'],
  redirect: ['configuration'],
  throttle_429: ['third_party'],
  frozen_backlog: ['third_party'],
  slow_inquiry: ['third_party'],
  // Nothing is cancelled there.
  ignores_cancellation: [],
  usual: [],
  // What the caller, or whoever sets it up, does.
  account_frozen: ['user'],
  submitted_twice: [],
  address_wrong: ['configuration'],
  secret_wrong: ['configuration'],
  // What happens to the machines.
  gateway_stopped: ['system'],
  ledger_stopped: ['system'],
  intake_stopped: ['system'],
  reconciliation_stopped: ['system'],
  gateway_killed: ['system'],
  ledger_killed: ['system'],
  intake_killed: ['system'],
  reconciliation_killed: ['system'],
  broker_stopped: ['system'],
  database_stopped: ['system'],
  gateway_without_database: ['system'],
  ledger_without_database: ['system'],
  gateway_without_a_right: ['system'],
  ledger_without_a_right: ['system'],
  // Who is silent for a while may as well be cut off.
  providers_stopped: ['third_party', 'network'],
  providers_down: ['third_party'],
  line_cut: ['network'],
  line_reset: ['network'],
} as const satisfies Record<string, readonly CauseClass[]>;

export type Label = keyof typeof labels;

/** The classes that are right for a slip that met these faults: where two overlap, that of either. */
export function rightClasses(faults: readonly Label[]): ReadonlySet<CauseClass> {
  return new Set(faults.flatMap((fault): readonly CauseClass[] => labels[fault]));
}
