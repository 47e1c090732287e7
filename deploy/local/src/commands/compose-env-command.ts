import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from '../stack/paths.ts';
import { openIdentity, tokenVariables } from '../stack/tokens.ts';
import { runCommand } from './run-command.ts';

const PASSWORDS = ['POSTGRES', 'INTAKE', 'PROVIDER_GATEWAY', 'LEDGER', 'RECONCILIATION'];
const PROVIDERS = ['ACME', 'BOREALIS', 'CUMULUS', 'DORADO'];

/**
 * Writes what docker-compose.yml asks for. An existing file is left alone: PostgreSQL keeps the passwords of its first
 * start. The tokens in it are valid for 24 h.
 */
await runCommand(async () => {
  const home = join(repositoryRoot, '.slipstream');
  const file = join(home, 'compose.env');
  if (existsSync(file)) {
    console.error(
      `${file} exists already; for new passwords remove it and the volumes (docker compose down --volumes)`,
    );
    return 1;
  }
  mkdirSync(home, { recursive: true });
  const identity = await openIdentity(join(home, 'compose/signing-key.json'));
  const variables = {
    ...Object.fromEntries(PASSWORDS.map((name) => [`${name}_PASSWORD`, randomBytes(24).toString('hex')])),
    ...Object.fromEntries(
      PROVIDERS.map((name) => [`PROVIDER_${name}_SECRET`, `whsec_${randomBytes(32).toString('base64')}`]),
    ),
    SLIPSTREAM_JWKS: identity.jwks,
    ...(await tokenVariables(identity)),
  };
  const lines = Object.entries(variables).map(([name, value]) => `${name}='${value}'\n`);
  writeFileSync(file, lines.join(''), { mode: 0o600 });
  console.error(`written: ${file}\nnext: docker compose --env-file ${file} up --build --wait`);
  return 0;
});
