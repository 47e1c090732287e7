import { StartError } from '@slipstream/kernel';
import type { ProviderRules } from '@slipstream/rules';
import { openProviders } from '../providers/registry.ts';

/** Good for every protocol: so a secret that is none hides nothing else that is wrong. */
const anySecrets = { current: `whsec_${Buffer.alloc(32).toString('base64')}`, next: null };

/** What keeps providers from being opened, each as `providers.<id>.<key>: reason`. */
export async function providerProblems(rules: Iterable<ProviderRules>): Promise<readonly string[]> {
  const problems = new Set<string>();
  for (const one of rules) {
    for (const variant of [one, { ...one, secrets: anySecrets }]) {
      for (const problem of await problemsOf(variant)) problems.add(problem);
    }
  }
  return [...problems];
}

async function problemsOf(rules: ProviderRules): Promise<readonly string[]> {
  try {
    for (const provider of openProviders([rules]).values()) await provider.close();
    return [];
  } catch (error) {
    if (error instanceof StartError) return error.problems;
    throw error;
  }
}
