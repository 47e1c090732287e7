/** As the services write JSON: keys in snake_case but the submitter's own, amounts as text, bytes in base64. */
export function snakeJson(value: unknown, name = ''): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (Array.isArray(value)) return value.map((item) => snakeJson(item));
  if (typeof value !== 'object' || value === null) return value;
  const isTheirs = name === 'metadata';
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [isTheirs ? key : snakeKey(key), snakeJson(item, key)]),
  );
}

export const snakeKey = (name: string) => name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toLowerCase();
