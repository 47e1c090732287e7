import type { InquiryOutcome } from '../domain/provider/answer.ts';
import type { AskedFor, Ended, Provider } from './ports.ts';

/**
 * Behind a NOT_FOUND, and in the question's place, the provider is told never to execute the slip. What it says of it instead is the
 * answer; without its confirmation the NOT_FOUND stays what it was.
 */
export async function cancelDenied(
  { cancel }: Pick<Provider, 'cancel'>,
  slipId: string,
  askedFor: AskedFor,
  asked: Ended<InquiryOutcome>,
): Promise<Ended<InquiryOutcome>> {
  const denied = asked.outcome;
  if (denied.kind !== 'not_found' || cancel === null) return asked;
  await asked.released;
  const { outcome, released } = await cancel(slipId, askedFor);
  if (outcome.kind === 'no_answer') return { outcome: denied, released };
  const said = outcome.kind === 'cancelled' ? { ...denied, cancelled: outcome.raw } : outcome;
  return { outcome: said, released };
}
