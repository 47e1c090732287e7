import { readFileSync } from 'node:fs';
import { shownAmount } from '@slipstream/kernel';
import { parseRules } from '@slipstream/rules';
import { variables } from '../config.ts';
import { table } from '../output/table.ts';
import { placeholder, variablesIn } from '../rules/placeholders.ts';

/** Calls of the gateway's checks by their amount, in minor units; `test/proofs/provider-report.spec.ts` holds this to what comes. */
const calls: readonly (readonly [amount: bigint, times: number])[] = [
  [1250n, 2],
  [99n, 1],
  [9_007_199_254_740_993n, 1],
  [100n, 3],
];

/** What a run would send, and to whom. */
export interface CertifyPreview {
  readonly url: string;
  readonly protocol: string;
  readonly calls: readonly { readonly amount: string; readonly currency: string; readonly times: number }[];
  /** Which provider the rules that SLIPSTREAM_CONFIG names call there; null: none, or nobody knows. */
  readonly provider: string | null;
}

/** What listens here is a simulator, or an adapter that is tried: asked without a word. */
export function isOnThisMachine(url: string): boolean {
  return /^(localhost|127(\.\d+){3}|\[::1\])$/.test(new URL(url).hostname);
}

/** An order to a provider that moves real money is not taken back: whoever mistook the URL sees it here. */
export function previewOf(
  url: string,
  { protocol, currency }: { readonly protocol: string; readonly currency: string },
): CertifyPreview {
  const orders = calls.map(([amount, times]) => ({ amount: amount.toString(), currency, times }));
  return { url, protocol, calls: orders, provider: providerAt(url) };
}

export function previewText({ url, protocol, calls, provider }: CertifyPreview): string {
  const rows = calls.map(({ amount, currency, times }) => [
    shownAmount(BigInt(amount), currency),
    String(times),
  ]);
  const lines = [`To ${url}, by ${protocol}:`, table([['order of', 'calls'], ...rows])];
  if (provider !== null) lines.push(`The gateway calls it, too: it is where providers.${provider} is.`);
  return lines.join('\n');
}

function providerAt(url: string): string | null {
  const file = variables.SLIPSTREAM_CONFIG;
  if (!file) return null;
  try {
    const text = readFileSync(file, 'utf8');
    const named = variablesIn(text).map((name) => [name, variables[name] || placeholder]);
    const { providers } = parseRules(text, { file, environment: Object.fromEntries(named) });
    const { origin } = new URL(url);
    return [...providers.values()].find(({ baseUrl }) => new URL(baseUrl).origin === origin)?.id ?? null;
  } catch {
    // Rules that are not usable are no reason not to ask a sandbox.
    return null;
  }
}
