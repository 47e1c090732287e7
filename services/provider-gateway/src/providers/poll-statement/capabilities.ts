import type { ProviderRules } from '@slipstream/rules';
import type { Capabilities, Words } from '../../application/ports.ts';
import { declared } from '../transport/declared.ts';

/** The protocol's words for each state; every other one is kept as it came, and shown to people. */
export const words: Words = {
  acknowledged: ['accepted'],
  progressed: ['processing'],
  succeeded: ['executed'],
  failed: ['declined'],
  void: ['cancelled'],
};

/** What a provider of this protocol can do, and the bounds that the rules declare for it. */
export function capabilities(rules: ProviderRules): Capabilities {
  // The protocol has no way to cancel an order.
  return { ...declared(rules), cancelByReference: false, words };
}
