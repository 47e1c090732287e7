import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot, runCommand } from '@slipstream/environment';
import { openIdentity, openKey, openSigningKeys, tokenVariables } from '../stack/tokens.ts';
import { withVariables } from './env-file.ts';

const DATABASES = ['INTAKE', 'PROVIDER_GATEWAY', 'LEDGER', 'RECONCILIATION'];
const PASSWORDS = ['POSTGRES', ...DATABASES, ...DATABASES.map((name) => `${name}_OWNER`)];
const PROVIDERS = ['ACME', 'BOREALIS', 'CUMULUS', 'DORADO'];

/**
 * Writes what docker-compose.yml asks for. The passwords and secrets of an existing file stay: PostgreSQL keeps those of
 * its first start. The tokens are valid for 24 h and new each time.
 */
await runCommand(async () => {
  const home = join(repositoryRoot, '.slipstream');
  const file = join(home, 'compose.env');
  const existed = existsSync(file);
  mkdirSync(home, { recursive: true });
  const identity = await openIdentity(join(home, 'compose/signing-key.json'));
  const kept = existed ? readFileSync(file, 'utf8') : '';
  const has = (name: string) => kept.split('\n').some((line) => line.startsWith(`${name}=`));
  const missing = Object.fromEntries(Object.entries(secrets()).filter(([name]) => !has(name)));
  const variables = {
    ...missing,
    SLIPSTREAM_JWKS: identity.jwks,
    SLIPSTREAM_CERTIFICATE_KEYS: await openSigningKeys(join(home, 'compose/certificate-key.json')),
    LEDGER_SIGNING_KEY: await openKey(join(home, 'compose/ledger-signing-key.json')),
    ...(await tokenVariables(identity)),
  };
  writeFileSync(file, withVariables(kept, variables), { mode: 0o600 });
  const compose = `docker compose --env-file ${file}`;
  console.error(
    existed
      ? [
          `new tokens: ${file}`,
          'for new passwords remove it and the volumes (docker compose down --volumes)',
          'volumes of a release whose databases had one role each: give them both before its services start, with',
          `  ${compose} up --wait postgres && ${compose} exec postgres bash /docker-entrypoint-initdb.d/10-slipstream.sh`,
        ].join('\n')
      : `written: ${file}\nnext: ${compose} up --build --wait`,
  );
  return 0;
});

function secrets(): Record<string, string> {
  const password = () => randomBytes(24).toString('hex');
  const secret = () => `whsec_${randomBytes(32).toString('base64')}`;
  return Object.fromEntries([
    ...PASSWORDS.map((name) => [`${name}_PASSWORD`, password()]),
    ...PROVIDERS.map((name) => [`PROVIDER_${name}_SECRET`, secret()]),
  ]);
}
