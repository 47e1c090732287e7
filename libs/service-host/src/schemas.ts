import type { ApiOkResponse } from '@nestjs/swagger';

// The words that answers are described with (OpenAPI 3.1). What is named may be relied on; fields may be added.

export type Schema = Extract<Parameters<typeof ApiOkResponse>[0], { schema: unknown }>['schema'];

export const text: Schema = { type: 'string' };
export const time: Schema = { type: 'string', format: 'date-time' };
export const whole: Schema = { type: 'integer' };
export const yesOrNo: Schema = { type: 'boolean' };

/** Minor units of a currency: a text, because JSON's numbers lose digits. */
export const minorUnits: Schema = { type: 'string', pattern: '^-?\\d+$', example: '1250' };

/** May be null; never left out. */
export const optional = (schema: Schema): Schema => ({ oneOf: [schema, { type: 'null' }] });

export const oneOf = (...words: readonly string[]): Schema => ({ type: 'string', enum: [...words] });

export const list = (items: Schema): Schema => ({ type: 'array', items });

/** An object that always has all of these. */
export function object(properties: Readonly<Record<string, Schema>>): Schema {
  return { type: 'object', required: Object.keys(properties), properties };
}

export const money = object({ amount: minorUnits, currency: { ...text, example: 'EUR' } });

/** A page of a collection, with the cursors of its neighbours. */
export const pageOf = (items: Schema): Schema =>
  object({ data: list(items), next: optional(text), previous: optional(text) });
