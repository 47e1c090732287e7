import type { Command } from 'commander';
import { type Query, queryOf, withFilters } from './slip-filters.ts';

/** Filters of `GET /v1/events` (docs/reference/lists.md). */
const eventFilters = {
  slip: 'of these slips',
  type: 'as in slipstream.slip.returned.v1',
  reference: "their slips' is this",
  account: 'who pays',
  counterparty: 'who is paid',
  provider: 'who was asked to carry it out',
  route: 'of the rules',
  kind: 'order, payout or payment',
  currency: 'ISO 4217',
} as const;
const eventRanges = {
  clock: 'default: wall, where live slips are',
  'received-from': 'RFC 3339, or how long ago, like 10m; included',
  'received-to': 'the same, not included',
  trace: 'trace id of the request that began the slip',
} as const;

export function withEventFilters(command: Command): Command {
  return withFilters(command, eventFilters, eventRanges);
}

export function eventQuery(flags: Record<string, unknown>): Query {
  return queryOf(flags, [...Object.keys(eventFilters), ...Object.keys(eventRanges)]);
}
