import type { SlipField, SlipFilter, SlipTerm } from '../../application/queries.ts';
import { settledSince, underWay, usualStatuses } from './slip-rows.ts';

/** Gives a parameter its place in the statement. */
export type Place = (value: unknown) => string;

/** Where a slip under way stands. */
export const statusNow = `coalesce((select e.status from event_log e where e.slip_id = slip.id and e.version > slip.version
  order by e.version desc limit 1), slip.status)`;

/** When it was submitted; of one that never was, when it came. */
const submittedAt = 'coalesce(slip.confirmed_at, slip.listed_at)';

type Condition = (values: readonly string[], place: Place) => string;

const anyOf =
  (column: string): Condition =>
  (values, place) =>
    `slip.${column} = any(${place(values)}::text[])`;

/** Of an older release's row nothing is known: what the slip says is looked at later. */
const anyOfNewer =
  (column: string): Condition =>
  (values, place) =>
    `(slip.${column} = any(${place(values)}::text[]) or slip.first_offset is null)`;

const yesOrNo =
  (column: string): Condition =>
  (values) =>
    values.length === 2 ? 'true' : `slip.${column} = ${values[0] === 'true'}`;

const conditions: Readonly<Record<SlipField, Condition | null>> = {
  reference: anyOf('reference'),
  reference_prefix: (values, place) => `slip.reference ^@ any(${place(values)}::text[])`,
  account: anyOf('account'),
  counterparty: anyOf('counterparty'),
  provider: anyOf('provider'),
  // Only the slip's events tell it.
  provider_reference: null,
  route: anyOfNewer('route'),
  kind: anyOf('kind'),
  currency: anyOf('currency'),
  status: (values, place) => {
    const moving = values.filter((status) => underWay.has(status));
    const resting = values.filter((status) => !underWay.has(status));
    // Only what the statement has may have a parameter.
    const moves = () =>
      `(slip.status = any(${place([...underWay])}::text[]) and ${statusNow} = any(${place(moving)}::text[]))`;
    const rests = () => `slip.status = any(${place(resting)}::text[])`;
    if (moving.length === 0) return rests();
    return resting.length === 0 ? moves() : `(${moves()} or ${rests()})`;
  },
  outcome: (values, place) => {
    const told = `slip.outcome = any(${place(values)}::text[])`;
    return values.includes('succeeded') ? `(${told} or ${settledSince})` : told;
  },
  cause: (values, place) => {
    const words = `any(${place(values)}::text[])`;
    return `(slip.cause_class = ${words} or slip.cause_code = ${words})`;
  },
  cause_code: anyOf('cause_code'),
  case: (values, place) => {
    const told = `slip.case_status = any(${place(values)}::text[])`;
    return values.includes('none') ? `(${told} or slip.case_status is null)` : told;
  },
  overdue: yesOrNo('overdue'),
  not_returned: yesOrNo('not_returned'),
  lacks: (values) =>
    values
      .filter((field) => field !== 'provider_reference')
      .map((field) => `slip.${field === 'cause' ? 'cause_code' : field} is null`)
      .concat('true')
      .join(' and '),
};

/** What can be said about a slip by its row alone. */
export function conditionsOf(filter: SlipFilter, place: Place): string[] {
  const found = filter.terms.flatMap((term) => conditionOf(term, place));
  const add = (value: unknown, condition: (at: string) => string) => {
    if (value !== undefined && value !== null) found.push(condition(place(value)));
  };
  add(filter.caller, (at) => `(slip.caller = ${at} or slip.first_offset is null)`);
  add(filter.submittedFrom, (at) => `${submittedAt} >= ${at}::timestamptz`);
  add(filter.submittedTo, (at) => `${submittedAt} < ${at}::timestamptz`);
  add(filter.deadlineFrom, (at) => `slip.deadline >= ${at}::timestamptz`);
  add(filter.deadlineTo, (at) => `slip.deadline < ${at}::timestamptz`);
  add(filter.amountMin, (at) => `slip.amount >= ${at}::numeric`);
  add(filter.amountMax, (at) => `slip.amount <= ${at}::numeric`);
  return found;
}

function conditionOf({ field, values, isNot }: SlipTerm, place: Place): string[] {
  const condition = conditions[field];
  if (condition === null) return [];
  // An older release's row may be anything: whether it is not so is looked at later, too.
  if (isNot && field === 'route') return [`(slip.route = any(${place(values)}::text[])) is not true`];
  // Whether events or an older release's row have it is looked at later, too.
  if (isNot && field === 'lacks' && values.some((one) => one === 'provider_reference' || one === 'route'))
    return [];
  return [isNot ? `(${condition(values, place)}) is not true` : condition(values, place)];
}

/**
 * Where slips that match can lie: each a condition that an index serves by the time of the list; no slip is in two. What an index does not have,
 * the clock beside an account, is not among them: it would be looked for in all that the index leads to.
 */
export function branchesOf({ clock, terms }: SlipFilter, place: Place): string[] {
  for (const field of byRarity) {
    const term = terms.find((one) => one.field === field && !one.isNot);
    const branches = term && branchesBy(term, place);
    if (!branches) continue;
    const isOfAnyClock = field === 'account' || field === 'reference';
    return isOfAnyClock ? branches : branches.map((branch) => `slip.clock = ${place(clock)} and ${branch}`);
  }
  return [`slip.clock = ${place(clock)}`];
}

const byRarity: readonly SlipField[] = [
  'reference',
  'status',
  'case',
  'cause_code',
  'cause',
  'not_returned',
  'overdue',
  'account',
];

function branchesBy({ field, values }: SlipTerm, place: Place): string[] | null {
  const each = (column: string) => [...new Set(values)].map((value) => `slip.${column} = ${place(value)}`);
  switch (field) {
    case 'reference':
    case 'account':
    case 'cause_code':
      return each(field);
    case 'status':
      return values.every((status) => !usualStatuses.has(status)) ? each('rare_status') : null;
    case 'case':
      return values.includes('none') ? null : each('case_status');
    case 'cause': {
      const words = `any(${place(values)}::text[])`;
      const codes = each('cause_code').map((one) => `${one} and (slip.cause_class = ${words}) is not true`);
      return [...each('cause_class'), ...codes];
    }
    case 'not_returned':
    case 'overdue':
      return values.every((value) => value === 'true') ? [`slip.${field}`] : null;
    default:
      return null;
  }
}
