import type { Instant } from '@slipstream/kernel';
import type { Dispatch } from '../dispatch/state.ts';
import { type AttemptDenials, isProved } from './denials.ts';

/** An attempt of which provably nothing left. */
export interface NotSent {
  readonly attempt: number;
  readonly provider: string;
  readonly notAfter: Instant;
}

/**
 * What a certificate of non-execution says: that no attempt left, or that each provider that may have been sent the slip
 * denied it twice, later than it could have accepted it (rule 3).
 */
export interface Certificate {
  readonly slip: Pick<
    Dispatch,
    'slipId' | 'caller' | 'reference' | 'kind' | 'account' | 'counterparty' | 'amount' | 'route' | 'deadline'
  >;
  readonly issuedAt: Instant;
  /** How many attempts were made; of those in a row with one provider only the last is told. */
  readonly attemptsMade: number;
  readonly notSent: readonly NotSent[];
  readonly denied: readonly AttemptDenials[];
}

/** The certificate of a slip that was proved not to be executed; null: some attempt's answers are not kept. */
export function certificateOf(
  dispatch: Dispatch,
  kept: readonly AttemptDenials[],
  issuedAt: Instant,
): Certificate | null {
  const { slipId, caller, reference, kind, account, counterparty, amount, route, deadline } = dispatch;
  const notSent: NotSent[] = [];
  const denied: AttemptDenials[] = [];
  for (const one of attemptsOf(dispatch)) {
    const { attempt, provider, notAfter } = one;
    const proof = kept.find((denials) => denials.attempt === attempt);
    if (!one.mayHaveLeft) notSent.push({ attempt, provider, notAfter });
    else if (proof !== undefined && isProved(proof)) denied.push(proof);
    else return null;
  }
  return {
    slip: { slipId, caller, reference, kind, account, counterparty, amount, route, deadline },
    ...{ issuedAt, attemptsMade: dispatch.attempt, notSent, denied },
  };
}

function attemptsOf({ earlier, attempt, provider, notAfter, sentMaybe }: Dispatch) {
  const before = earlier.map((one) => ({ ...one, mayHaveLeft: one.end !== 'not_sent' }));
  const latest =
    provider === null || notAfter === null ? [] : [{ attempt, provider, notAfter, mayHaveLeft: sentMaybe }];
  return [...before, ...latest];
}
