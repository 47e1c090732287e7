import { loadRules, type Rules } from '@slipstream/rules';
import { integer, readEnvironment, setting } from '@slipstream/runtime';
import { type CommonSettings, commonSettings } from '@slipstream/service-host';
import { parseSigningKey, type SigningKey } from './signing-key.ts';

export interface Config {
  readonly settings: CommonSettings;
  /** What the ledger decides by comes frozen in SlipSubmitted; of the rules it has the digest, and which routes it counts from 0 on. */
  readonly rules: Pick<Rules, 'digest' | 'routes'>;
  readonly checkpoints: { readonly key: SigningKey; readonly intervalMs: number };
}

/** Beside those that every service has. */
export const ledgerSettings = {
  signingKey: setting(
    'LEDGER_SIGNING_KEY',
    'private Ed25519 key as JWK that signs checkpoints; whoever has it can sign another log; with a new one, what the old one signed stays valid under the old public key',
    parseSigningKey,
  ),
  checkpointIntervalMs: integer(
    'LEDGER_CHECKPOINT_INTERVAL_MS',
    'time from a change of the log to the checkpoint that has it, and between two of them; until then only the copies of the log bear witness to it',
    { min: 100, max: 10_000 },
    5_000,
  ),
} as const;

/**
 * What the program needs that rebuilds projections: the role that owns the tables.
 * @throws StartError
 */
export function readRebuildConfig(environment: Readonly<Record<string, string | undefined>>): {
  readonly databaseUrl: string;
} {
  return readEnvironment({ databaseUrl: commonSettings.databaseUrl }, environment);
}

/**
 * Reads the environment, the only place that does.
 * @throws StartError naming what is wrong; also when the rules file breaks a rule: no service starts beside rules that
 * another would refuse
 */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const { signingKey, checkpointIntervalMs, ...settings } = readEnvironment(
    { ...commonSettings, ...ledgerSettings },
    environment,
  );
  return {
    settings,
    rules: loadRules(settings.configFile, environment),
    checkpoints: { key: signingKey, intervalMs: checkpointIntervalMs },
  };
}
