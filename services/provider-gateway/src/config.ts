import { parseSigningKeys, type SigningKeys } from '@slipstream/identity';
import { loadRules, type Rules } from '@slipstream/rules';
import { readEnvironment, setting } from '@slipstream/runtime';
import { type CommonSettings, commonSettings } from '@slipstream/service-host';

export interface GatewayConfig {
  readonly settings: CommonSettings;
  readonly rules: Rules;
  /** With which certificates of non-execution are signed. */
  readonly certificateKeys: SigningKeys;
}

const gatewaySettings = {
  ...commonSettings,
  certificateKeys: setting(
    'SLIPSTREAM_CERTIFICATE_KEYS',
    'JSON Web Key Set whose first key signs certificates of non-execution; the others are served, so that what they signed can be checked',
    parseSigningKeys,
  ),
};

/** Reads the environment and the rules file once; `environment` is `process.env`. @throws StartError */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): GatewayConfig {
  const { certificateKeys, ...settings } = readEnvironment(gatewaySettings, environment);
  return { settings, rules: loadRules(settings.configFile, environment), certificateKeys };
}
