import { csvCell } from '@slipstream/kernel';
import type { JsonValue } from './json.ts';
import type { Schema } from './schemas.ts';

/** A column: where in an item its value stands. */
export type Column = readonly string[];

interface Described {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Described>>;
  readonly oneOf?: readonly Described[];
}

/** The columns of what is described so, `amount.currency` for a field within a field. Lists and free objects are one column. */
export function columnsOf(schema: Schema): readonly Column[] {
  return columnsWithin(schema as Described, []);
}

function columnsWithin(schema: Described, path: Column): readonly Column[] {
  const described = schema.oneOf?.find(({ type }) => type !== 'null') ?? schema;
  if (described.properties === undefined) return [path];
  return Object.entries(described.properties).flatMap(([name, inner]) =>
    columnsWithin(inner, [...path, name]),
  );
}

/** RFC 4180, with its header line. */
export function csvHeader(columns: readonly Column[]): string {
  return `${columns.map((path) => csvCell(path.join('.'))).join(',')}\r\n`;
}

/** What is absent is an empty field; a list or a free object is JSON. */
export function csvRow(columns: readonly Column[], item: JsonValue): string {
  return `${columns.map((path) => csvCell(textOf(valueAt(item, path)))).join(',')}\r\n`;
}

function valueAt(item: JsonValue, path: Column): JsonValue {
  let value: JsonValue = item;
  for (const name of path) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
    value = (value as Readonly<Record<string, JsonValue>>)[name] ?? null;
  }
  return value;
}

function textOf(value: JsonValue): string {
  if (value === null) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
