import { loadRules, type Rules } from '@slipstream/rules';
import { readEnvironment } from '@slipstream/runtime';
import { type CommonSettings, commonSettings } from '@slipstream/service-host';

export interface GatewayConfig {
  readonly settings: CommonSettings;
  readonly rules: Rules;
}

/** Reads the environment and the rules file once; `environment` is `process.env`. @throws StartError */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): GatewayConfig {
  const settings = readEnvironment(commonSettings, environment);
  return { settings, rules: loadRules(settings.configFile, environment) };
}
