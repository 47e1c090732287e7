import { StartError } from '@slipstream/kernel';
import type { ProviderRules } from '@slipstream/rules';
import type { Provider, Providers } from '../application/ports.ts';
import { jsonCallbackProvider } from './json-callback/client.ts';
import { pollStatementProvider } from './poll-statement/client.ts';

/** Opens a provider; `monotonicMs` is the clock that `not_after` is checked on. @throws StartError for unusable rules */
export type ProviderFactory = (rules: ProviderRules, monotonicMs: () => number) => Provider;

/** Every protocol that a provider may speak, by the name it has in the rules. Nothing else here knows one by name. */
export const protocols: Readonly<Record<string, ProviderFactory>> = {
  'json-callback': jsonCallbackProvider,
  'poll-statement': pollStatementProvider,
};

/** Opens every configured provider. @throws StartError for a protocol that is not here, or rules that it cannot use */
export function openProviders(
  rules: Iterable<ProviderRules>,
  monotonicMs: () => number = () => performance.now(),
): Providers {
  return new Map([...rules].map((one) => [one.id, open(one, monotonicMs)]));
}

function open(rules: ProviderRules, monotonicMs: () => number): Provider {
  if (!Object.hasOwn(protocols, rules.protocol)) {
    throw new StartError('The rules file names a protocol that nobody speaks:', [
      `providers.${rules.id}.protocol is ${rules.protocol}; there are ${Object.keys(protocols).join(', ')}`,
    ]);
  }
  const provider = protocols[rules.protocol]!(rules, monotonicMs);
  if (rules.statement !== null && provider.statements === null) {
    throw new StartError('The rules file wants statements that nobody gives:', [
      `providers.${rules.id}.statement: a provider of ${rules.protocol} has none`,
    ]);
  }
  if (rules.cancelByReference && !provider.capabilities.cancelByReference) {
    throw new StartError('The rules file wants cancellations that nobody takes:', [
      `providers.${rules.id}.cancel_by_reference: a provider of ${rules.protocol} cannot cancel`,
    ]);
  }
  return provider;
}
