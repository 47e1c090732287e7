import { readFileSync } from 'node:fs';
import { Ajv, type ErrorObject } from 'ajv';

/** One simulated provider, as written in the `--providers` file. Times in milliseconds. */
export interface ProviderConfig {
  readonly id: string;
  /** Its own port on the simulator's host; 0 picks a free one. */
  readonly port: number;
  /**
   * Standard Webhooks secret (`whsec_` + base64 of 24-64 bytes) that signs its callbacks; the API key where it is
   * polled, in the same form or any other without spaces.
   */
  readonly secret: string;
  /** null where it is polled: nobody is called back. */
  readonly callback_url: string | null;
  /**
   * `async`: acknowledges and calls back; `sync`: answers the POST with the outcome; `polled`: another protocol,
   * orders that are accepted, asked about and told in daily statements.
   */
  readonly mode: Mode;
  /** Range of the delay before a POST is answered. */
  readonly latency_ms: readonly [number, number];
  /** Range of the delay from the acknowledgement to the final answer. */
  readonly answer_ms: readonly [number, number];
  /** Share of slips (0..1) that fail for a business reason. */
  readonly failure_rate: number;
  /** The longest time from receipt until an accepted slip is executed and known to inquiries. */
  readonly acceptance_delay_max_ms: number;
  /** Whether a slip that was taken before is not worked on again; a polled provider always is so. */
  readonly idempotent: boolean;
}

export type Mode = 'async' | 'sync' | 'polled';

export type ProviderInput = Pick<ProviderConfig, 'id' | 'secret'> & Partial<ProviderConfig>;

/** The configuration can't be used; the message says what is wrong and where. */
export class ConfigError extends Error {}

const DEFAULTS = {
  port: 0,
  callback_url: null,
  mode: 'async',
  latency_ms: [5, 30],
  answer_ms: [50, 300],
  failure_rate: 0,
  acceptance_delay_max_ms: 1000,
  idempotent: false,
} as const;

const delayMs = { type: 'integer', minimum: 0, maximum: 86_400_000 };
const range = { type: 'array', items: delayMs, minItems: 2, maxItems: 2 };
const schema = {
  type: 'array',
  minItems: 1,
  maxItems: 100,
  items: {
    type: 'object',
    additionalProperties: false,
    required: ['id', 'secret'],
    properties: {
      id: { type: 'string', pattern: '^[a-z0-9][a-z0-9_-]{0,62}$' },
      port: { type: 'integer', minimum: 0, maximum: 65_535 },
      secret: { type: 'string', pattern: '^[\\x21-\\x7e]{8,256}$' },
      callback_url: { type: ['string', 'null'], pattern: '^https?://' },
      mode: { enum: ['async', 'sync', 'polled'] },
      latency_ms: range,
      answer_ms: range,
      failure_rate: { type: 'number', minimum: 0, maximum: 1 },
      acceptance_delay_max_ms: delayMs,
      idempotent: { type: 'boolean' },
    },
  },
};
const valid = new Ajv({ allErrors: true }).compile<ProviderInput[]>(schema);

/** The providers from `--providers FILE`, else from the variable's JSON. @throws ConfigError */
export function loadProviders(file: string | undefined, variable: string | undefined): ProviderConfig[] {
  if (file !== undefined) return parseProviders(read(file), file);
  if (variable !== undefined) return parseProviders(variable, 'SIMULATOR_PROVIDERS');
  throw new ConfigError('no providers: give --providers FILE or set SIMULATOR_PROVIDERS to a JSON array');
}

/** @param source names the text in error messages @throws ConfigError */
export function parseProviders(text: string, source: string): ProviderConfig[] {
  let input: unknown;
  try {
    input = JSON.parse(text);
  } catch (error) {
    throw new ConfigError(`${source} is not JSON: ${(error as Error).message}`);
  }
  return checkProviders(input, source);
}

/** Validates and fills in defaults. @throws ConfigError */
export function checkProviders(input: unknown, source: string): ProviderConfig[] {
  if (!valid(input)) throw new ConfigError(`${source}: ${describe(valid.errors ?? [])}`);
  const providers = input.map((provider): ProviderConfig => ({ ...DEFAULTS, ...provider }));
  const ids = new Set<string>();
  const ports = new Set<number>();
  for (const [index, provider] of providers.entries()) {
    const where = `${source}: providers[${index}]`;
    if (ids.has(provider.id)) throw new ConfigError(`${where}.id: "${provider.id}" is used twice`);
    if (ports.has(provider.port)) throw new ConfigError(`${where}.port: ${provider.port} is used twice`);
    checkOne(provider, where);
    ids.add(provider.id);
    if (provider.port !== 0) ports.add(provider.port);
  }
  return providers;
}

function checkOne(provider: ProviderConfig, where: string): void {
  if (provider.mode !== 'polled') checkCallbacks(provider, where);
  for (const name of ['latency_ms', 'answer_ms'] as const) {
    const [min, max] = provider[name];
    if (min > max) throw new ConfigError(`${where}.${name}: the minimum ${min} is above the maximum ${max}`);
  }
}

function checkCallbacks({ secret, callback_url: url, mode }: ProviderConfig, where: string): void {
  if (!/^whsec_[A-Za-z0-9+/]+={0,2}$/.test(secret)) {
    throw new ConfigError(`${where}.secret: must be "whsec_" and base64`);
  }
  const bytes = Buffer.from(secret.slice('whsec_'.length), 'base64').length;
  if (bytes < 24 || bytes > 64) {
    throw new ConfigError(`${where}.secret: must hold 24 to 64 bytes in base64, has ${bytes}`);
  }
  if (url === null) throw new ConfigError(`${where}.callback_url: a provider of mode ${mode} needs one`);
  if (!URL.canParse(url)) throw new ConfigError(`${where}.callback_url: is not a URL`);
}

function describe(errors: readonly ErrorObject[]): string {
  return errors
    .map((error) => `providers${error.instancePath || ''} ${error.message ?? 'is invalid'}`)
    .join('; ');
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new ConfigError(`the providers file can't be read: ${(error as Error).message}`);
  }
}
