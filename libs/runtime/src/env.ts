import { err, ok, type Result, StartError } from '@slipstream/kernel';

/** One environment variable: its name, what its value causes, and how its text is read. */
export interface Setting<T> {
  readonly variable: string;
  /** What the value does to the running service, for the operator. */
  readonly description: string;
  /** `raw` is undefined when the variable is absent or empty. The error is a reason without the value. */
  read(raw: string | undefined): Result<T, string>;
}

export type Settings = Readonly<Record<string, Setting<unknown>>>;

/** The frozen result of reading `S`. */
export type SettingsOf<S extends Settings> = {
  readonly [K in keyof S]: S[K] extends Setting<infer T> ? T : never;
};

type Source = Readonly<Record<string, string | undefined>>;

/**
 * Reads every setting once. An empty variable counts as absent.
 * @throws {StartError} naming every wrong variable with its reason, never its value
 */
export function readEnvironment<S extends Settings>(specs: S, source: Source): SettingsOf<S> {
  const values: Record<string, unknown> = {};
  const problems: string[] = [];
  for (const [key, spec] of Object.entries(specs)) {
    const result = spec.read(source[spec.variable] || undefined);
    if (result.ok) values[key] = result.value;
    else problems.push(`${spec.variable}: ${result.error} (${spec.description})`);
  }
  if (problems.length > 0) throw new StartError('The environment is not usable:', problems);
  return Object.freeze(values) as SettingsOf<S>;
}

/** A setting read by `parse`; without `fallback` it is required. */
export function setting<T>(
  variable: string,
  description: string,
  parse: (raw: string) => Result<T, string>,
  ...fallback: [] | [T]
): Setting<T> {
  return {
    variable,
    description,
    read(raw) {
      if (raw !== undefined) return parse(raw);
      return fallback.length > 0 ? ok(fallback[0] as T) : err('is required but not set');
    },
  };
}

/** Any text; `fallback` makes it optional. */
export function text(variable: string, description: string, ...fallback: [] | [string]): Setting<string> {
  return setting(variable, description, ok, ...fallback);
}

/** Text that may be absent: null then. */
export function optionalText(variable: string, description: string): Setting<string | null> {
  return setting<string | null>(variable, description, ok, null);
}

/** One of a closed list of words. */
export function oneOf<T extends string>(
  variable: string,
  description: string,
  words: readonly T[],
  ...fallback: [] | [T]
): Setting<T> {
  return setting(variable, description, (raw) => match(words, raw), ...fallback);
}

function match<T extends string>(words: readonly T[], raw: string): Result<T, string> {
  const word = words.find((candidate) => candidate === raw);
  return word === undefined ? err(`must be one of ${words.join(', ')}`) : ok(word);
}

/** A decimal integer within `min` and `max`, both included. */
export function integer(
  variable: string,
  description: string,
  range: { readonly min: number; readonly max: number },
  ...fallback: [] | [number]
): Setting<number> {
  return setting(variable, description, (raw) => parseInteger(raw, range), ...fallback);
}

function parseInteger(raw: string, { min, max }: { min: number; max: number }): Result<number, string> {
  const value = /^-?\d{1,15}$/.test(raw) ? Number(raw) : Number.NaN;
  return value >= min && value <= max ? ok(value) : err(`must be an integer from ${min} to ${max}`);
}

/** An absolute URL with one of `schemes` (`['postgres', 'postgresql']`). */
export function url(
  variable: string,
  description: string,
  schemes: readonly string[],
  ...fallback: [] | [string]
): Setting<string> {
  return setting(variable, description, (raw) => parseUrl(raw, schemes), ...fallback);
}

function parseUrl(raw: string, schemes: readonly string[]): Result<string, string> {
  const parsed = URL.parse(raw);
  if (parsed && schemes.includes(parsed.protocol.slice(0, -1))) return ok(raw);
  return err(`must be a URL that starts with ${schemes.map((scheme) => `${scheme}://`).join(' or ')}`);
}

/** A URL that may be absent: null then. */
export function optionalUrl(
  variable: string,
  description: string,
  schemes: readonly string[],
): Setting<string | null> {
  return setting<string | null>(variable, description, (raw) => parseUrl(raw, schemes), null);
}

/** A comma-separated list with at least one entry; spaces around entries are dropped. */
export function list(
  variable: string,
  description: string,
  entry: RegExp,
  ...fallback: [] | [readonly string[]]
): Setting<readonly string[]> {
  return setting<readonly string[]>(variable, description, (raw) => parseList(raw, entry), ...fallback);
}

function parseList(raw: string, entry: RegExp): Result<readonly string[], string> {
  const entries = raw.split(',').map((part) => part.trim());
  const wrong = entries.findIndex((part) => !entry.test(part));
  return wrong === -1 ? ok(Object.freeze(entries)) : err(`entry ${wrong + 1} of the list is not valid`);
}
