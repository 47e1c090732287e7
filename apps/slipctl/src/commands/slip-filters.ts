import type { Command } from 'commander';
import type { Names } from '../known.ts';
import { keyValueOption, timeOption } from './options.ts';

export type Query = Record<string, readonly string[]>;

/** Filters of `GET /v1/slips` that take any number of values (docs/reference/lists.md). */
const slipFilters = {
  reference: 'is this',
  'reference-prefix': 'begins so',
  account: 'who pays',
  counterparty: 'who is paid',
  provider: 'who was asked to carry it out',
  'provider-reference': "the provider's own name of it",
  route: 'of the rules',
  kind: 'order, payout or payment',
  currency: 'ISO 4217',
  status: 'as in settled, overdue, not_returned',
  outcome: 'succeeded, failed or void',
  cause: 'class or code of the diagnosis',
  'cause-code': 'code of the diagnosis',
  case: 'open, closed or none',
  lacks: 'what is not known of it',
} as const;

/** Filters that take one value. */
const slipRanges = {
  clock: 'default: wall, where live slips are',
  'submitted-from': 'RFC 3339, or how long ago, like 10m; included',
  'submitted-to': 'the same, not included',
  'deadline-from': 'RFC 3339, or how long ago, like 10m; included',
  'deadline-to': 'the same, not included',
  'amount-min': 'minor units, with one --currency',
  'amount-max': 'minor units, with one --currency',
} as const;

export function withSlipFilters(command: Command): Command {
  withFilters(command, slipFilters, slipRanges);
  return command
    .option('--overdue', 'not returned in time, whatever came later')
    .option('--not-returned', 'not returned in time, and no answer has come since')
    .option('--not <field=value...>', 'none of these', keyValueOption)
    .option('--metadata <key=value...>', 'what the submitter wrote beside it', keyValueOption);
}

const named = [
  ...(['slip', 'reference', 'account', 'provider', 'incident', 'statement', 'clock', 'trace'] as const),
  ...(['counterparty', 'providerReference', 'route', 'currency'] as const),
];

/** What of the flags names a thing that is there or not. */
export function namesIn(flags: object): Names {
  const given: Readonly<Record<string, unknown>> = { ...flags };
  return Object.fromEntries(
    named.flatMap((name) => (given[name] === undefined ? [] : [[name, [given[name]].flat()]])),
  );
}

/** Those of which an answer does not tell whether they are there: one of several values, and those of `--not`. */
export function namesUnshown(flags: object): Names {
  const { not = [], ...others } = flags as { not?: readonly (readonly [string, string])[] };
  const names = namesIn(others);
  const excluded = not.map(([field, value]) => [camel(field.replaceAll('_', '-')), value] as const);
  const unshown = named.flatMap((name): [keyof Names, readonly string[]][] => {
    const without = excluded.flatMap(([field, value]) => (field === name ? [value] : []));
    const several = (names[name]?.length ?? 0) > 1 ? names[name]! : [];
    const values = [...several, ...without];
    return values.length > 0 ? [[name, values]] : [];
  });
  // They are looked for where slips are.
  return unshown.length === 0
    ? {}
    : { ...(names.clock && { clock: names.clock }), ...Object.fromEntries(unshown) };
}

type Meanings = Readonly<Record<string, string>>;

/** Filters that take any number of values, and those that take one. */
export function withFilters(command: Command, several: Meanings, single: Meanings): Command {
  for (const [name, meaning] of Object.entries(several)) command.option(`--${name} <value...>`, meaning);
  for (const [name, meaning] of Object.entries(single)) {
    if (/-(from|to)$/.test(name)) command.option(`--${name} <time>`, meaning, timeOption);
    else command.option(`--${name} <value>`, meaning);
  }
  return command;
}

/** The flags as the API's own filters. */
export function slipQuery(flags: Record<string, unknown>): Query {
  const query = queryOf(flags, [...Object.keys(slipFilters), ...Object.keys(slipRanges)]);
  if (flags.overdue) query.overdue = ['true'];
  if (flags.notReturned) query.not_returned = ['true'];
  for (const [key, value] of (flags.not ?? []) as [string, string][]) {
    query[`${snake(key)}.not`] = [...(query[`${snake(key)}.not`] ?? []), value];
  }
  for (const [key, value] of (flags.metadata ?? []) as [string, string][]) {
    query[`metadata.${key}`] = [...(query[`metadata.${key}`] ?? []), value];
  }
  return query;
}

/** Flags that the API has by the same names. */
export function queryOf(flags: Record<string, unknown>, names: readonly string[]): Query {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = flags[camel(name)] as string | string[] | undefined;
      return value === undefined ? [] : [[snake(name), [value].flat()]];
    }),
  );
}

const camel = (name: string) => name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
const snake = (name: string) => name.replaceAll('-', '_');
