import { StartError } from '@slipstream/kernel';
import type { ProviderRules } from '@slipstream/rules';
import type { Provider, Providers } from '../application/ports.ts';
import { jsonCallbackProvider } from './json-callback/client.ts';
import { pollStatementProvider } from './poll-statement/client.ts';
import type { ProviderClocks } from './transport/clocks.ts';

/** Opens a provider. @throws StartError for unusable rules */
export type ProviderFactory = (rules: ProviderRules, clocks: ProviderClocks) => Provider;

/** Every protocol that a provider may speak, by the name it has in the rules. Nothing else here knows one by name. */
export const protocols: Readonly<Record<string, ProviderFactory>> = {
  'json-callback': jsonCallbackProvider,
  'poll-statement': pollStatementProvider,
};

/** Opens every configured provider. @throws StartError for a protocol that is not here, or rules that it cannot use */
export function openProviders(
  rules: Iterable<ProviderRules>,
  clocks: Partial<ProviderClocks> = {},
): Providers {
  const all = { monotonicMs: () => performance.now(), nowMs: () => Date.now(), ...clocks };
  return new Map([...rules].map((one) => [one.id, open(one, all)]));
}

function open(rules: ProviderRules, clocks: ProviderClocks): Provider {
  if (!Object.hasOwn(protocols, rules.protocol)) {
    throw new StartError('The rules file names a protocol that nobody speaks:', [
      `providers.${rules.id}.protocol: nobody speaks ${rules.protocol}; there are ${Object.keys(protocols).join(', ')}`,
    ]);
  }
  const provider = protocols[rules.protocol]!(rules, clocks);
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
