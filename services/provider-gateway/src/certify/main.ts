import { parseSigningKeys } from '@slipstream/identity';
import { StartError } from '@slipstream/kernel';
import { type CertifyOptions, runCertify } from './run.ts';

/**
 * Holds a provider's sandbox to the contract: `main.js SETTINGS`, a JSON object, with the sandbox's secret in PROVIDER_SECRET and a key
 * set that signs in SLIPSTREAM_CERTIFICATE_KEYS. Each line that it prints is a JSON object: `progress`, and last `result`
 * or `error`. `slipctl provider certify` shows them.
 */
type Settings = Omit<CertifyOptions, 'secret' | 'keys' | 'onProgress'>;

const say = (line: object) => console.log(JSON.stringify(line));

try {
  const settings = JSON.parse(process.argv[2] ?? '{}') as Settings;
  const { PROVIDER_SECRET: secret = '', SLIPSTREAM_CERTIFICATE_KEYS: raw } = process.env;
  const keys = raw ? parseSigningKeys(raw) : null;
  if (keys && !keys.ok) throw new StartError('The key is not usable:', [keys.error]);
  const result = await runCertify({
    ...{ ...settings, secret, keys: keys?.value ?? null },
    onProgress: (done, total) => say({ progress: { done, total } }),
  });
  say({ result });
} catch (error) {
  say({
    error: error instanceof Error ? error.message : String(error),
    is_usage: error instanceof StartError,
  });
  process.exitCode = 1;
}
