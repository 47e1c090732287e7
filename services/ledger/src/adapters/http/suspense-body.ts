import { checkObject, type FieldChecks, wordsProblem } from '@slipstream/service-host';
import type { SuspenseDecision } from '@slipstream/slip';
import { decisions } from './described-suspense.ts';

const decisionChecks: FieldChecks = {
  decision: (value) =>
    decisions.some((one) => one === value) ? null : `must be one of ${decisions.join(', ')}`,
  reason: wordsProblem,
  dry_run: (value) =>
    value === undefined || typeof value === 'boolean' ? null : 'must be true or false, or absent',
};

/** @throws SlipstreamError validation_failed, malformed_request */
export function readDecision(body: unknown) {
  const read = checkObject<{ decision: SuspenseDecision; reason: string; dry_run?: boolean }>(
    body,
    decisionChecks,
  );
  return { decision: read.decision, reason: read.reason, dryRun: read.dry_run ?? false };
}
