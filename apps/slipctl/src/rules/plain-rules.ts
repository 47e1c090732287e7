import { parseRules } from '@slipstream/rules';
import { snakeKey } from '../output/snake-json.ts';
import { filledIn, placeholder, variablesIn } from './placeholders.ts';

/** Rules as they are in force, what the file is silent about filled in; secrets are never shown. @throws StartError */
export function plainRules(text: string, file: string): Record<string, unknown> {
  const environment = filledIn(variablesIn(text));
  return shown(parseRules(text, { file, environment }), '') as Record<string, unknown>;
}

function shown(value: unknown, name: string): unknown {
  if (name === 'secrets') return '(not shown)';
  if (value === placeholder || value === placeholder.replace(/\/+$/, '')) return '(a variable)';
  if (typeof value === 'bigint') return value.toString();
  // Of a map the keys are the operators' own: names of routes, currencies.
  if (value instanceof Map)
    return Object.fromEntries([...value].map(([key, item]) => [key, shown(item, '')]));
  if (Array.isArray(value)) return value.map((item) => shown(item, ''));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [snakeKey(key), shown(item, key)]));
}

/** One value that is not the same; null: it is not there. */
export interface Changed {
  /** Keys and indexes with dots between them. */
  readonly path: string;
  readonly before: unknown;
  readonly after: unknown;
}

/** What differs between two sets of rules, by path; the digest goes without saying. */
export function changesBetween(
  before: Record<string, unknown>,
  after: Record<string, unknown>,
): readonly Changed[] {
  const [a, b] = [leavesOf(before), leavesOf(after)];
  const paths = [...new Set([...a.keys(), ...b.keys()])].filter((path) => path !== 'digest').sort();
  return paths
    .map((path) => ({ path, before: a.get(path) ?? null, after: b.get(path) ?? null }))
    .filter((one) => one.before !== one.after);
}

export function shownChange({ path, before, after }: Changed): string {
  const said = (value: unknown) => (value === null ? '(none)' : String(value));
  return `${path}: ${said(before)} → ${said(after)}`;
}

function leavesOf(value: unknown, path = '', leaves = new Map<string, unknown>()): Map<string, unknown> {
  if (typeof value !== 'object' || value === null) return leaves.set(path, value);
  const entries = Object.entries(value);
  if (entries.length === 0) return leaves.set(path, Array.isArray(value) ? '[]' : '{}');
  for (const [key, item] of entries) leavesOf(item, path === '' ? key : `${path}.${key}`, leaves);
  return leaves;
}
