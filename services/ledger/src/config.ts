import { loadRules, type Rules } from '@slipstream/rules';
import { readEnvironment } from '@slipstream/runtime';
import { type CommonSettings, commonSettings } from '@slipstream/service-host';

export interface Config {
  readonly settings: CommonSettings;
  /** Only its digest: what the ledger needs of the rules comes frozen in SlipSubmitted. */
  readonly rules: Pick<Rules, 'digest'>;
}

/**
 * Reads the environment, the only place that does.
 * @throws StartError naming what is wrong; also when the rules file breaks a rule: no service starts beside rules that
 * another would refuse
 */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const settings = readEnvironment(commonSettings, environment);
  return { settings, rules: loadRules(settings.configFile, environment) };
}
