import { err, ok, type Result } from '@slipstream/kernel';
import { loadRules, type Rules } from '@slipstream/rules';
import { readEnvironment, setting } from '@slipstream/runtime';
import { type CommonSettings, commonSettings } from '@slipstream/service-host';

export interface IntakeConfig {
  readonly settings: CommonSettings;
  readonly rules: Rules;
  /** Where callers read slips, without a slash at its end; null: at the address under which they reach intake. */
  readonly ledgerUrl: string | null;
}

const intakeSettings = {
  ...commonSettings,
  ledgerUrl: setting<string | null>(
    'LEDGER_URL',
    "URL of the ledger's API as callers reach it: `Location` leads there; without it `Location` is a path, right only where one address serves both",
    parseBaseUrl,
    null,
  ),
};

/** Reads the environment and the rules file once; `environment` is `process.env`. @throws StartError */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): IntakeConfig {
  const { ledgerUrl, ...settings } = readEnvironment(intakeSettings, environment);
  return { settings, rules: loadRules(settings.configFile, environment), ledgerUrl };
}

/** Every caller is shown it, and a path is put behind it. */
function parseBaseUrl(raw: string): Result<string, string> {
  const parsed = URL.parse(raw);
  if (!parsed || !['http:', 'https:'].includes(parsed.protocol))
    return err('must be a URL that starts with http:// or https://');
  if (parsed.username || parsed.password || /[?#]/.test(raw))
    return err('must be a URL without a login, a query and a fragment');
  return ok(parsed.href.replace(/\/+$/, ''));
}
