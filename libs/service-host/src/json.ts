import { InvariantError } from '@slipstream/kernel';

export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };

/** Domain keys are a small closed set; the limit only bounds a mistake. */
const cachedKeysMax = 4096;
const snakeKeys = new Map<string, string>();

/** `slipId` is `slip_id`, `iso20022` stays, `dlqURL` is `dlq_url`. */
export function toSnakeKey(key: string): string {
  const cached = snakeKeys.get(key);
  if (cached !== undefined) return cached;
  const snake = key
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1_$2')
    .toLowerCase();
  if (snakeKeys.size < cachedKeysMax) snakeKeys.set(key, snake);
  return snake;
}

/**
 * A domain value as the HTTP contract shows it: keys in snake_case, bigint as a decimal string, bytes in base64,
 * undefined keys left out. The keys inside a `metadata` record are the caller's own and stay as they are.
 * @throws {InvariantError} on a value that JSON cannot show (Map, Set, class instance, function, NaN)
 */
export function toSnakeJson(value: unknown): JsonValue {
  return convert(value, true);
}

function convert(value: unknown, convertKeys: boolean): JsonValue {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  if (Array.isArray(value)) return value.map((item) => convert(item ?? null, convertKeys));
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (value instanceof Date) return value.toISOString();
  if (isPlainObject(value)) return convertObject(value, convertKeys);
  throw new InvariantError(`no JSON form: ${Object.prototype.toString.call(value)}`);
}

function convertObject(object: Record<string, unknown>, convertKeys: boolean): JsonValue {
  const result: Record<string, JsonValue> = {};
  for (const [key, value] of Object.entries(object)) {
    if (value === undefined) continue;
    result[convertKeys ? toSnakeKey(key) : key] = convert(value, convertKeys && key !== 'metadata');
  }
  return result;
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}
