import type { UnitOfWork } from '@slipstream/postgres';
import { ledgerQueries } from '../../services/ledger/src/adapters/postgres/ledger-queries.ts';
import { proofs } from '../../services/ledger/src/adapters/postgres/proofs.ts';
import { suspenseReads } from '../../services/ledger/src/adapters/postgres/suspense.ts';
import {
  type AccountFilter,
  type EventListFilter,
  type SlipField,
  type SlipFilter,
  slipFields,
} from '../../services/ledger/src/application/queries.ts';
import type { DecisionFilter, SuspenseFilter } from '../../services/ledger/src/application/suspense/ports.ts';
import type { Questions } from './query.ts';

const noWaits = {
  waitFor: () => Promise.reject(new Error('not asked')),
  logMoved: () => Promise.reject(new Error('not asked')),
};
const page = { limit: 50, from: null };
const [from, to] = ['2026-01-01T01:00:00Z', '2026-01-01T02:00:00Z'];

/** Of each filter one value that most slips have, one that few do, and one that none does. */
const values: Readonly<Record<SlipField, readonly string[]>> = {
  reference: ['ord-77'],
  reference_prefix: ['ord-77', 'none'],
  account: ['busy', 'cust-6', 'nobody'],
  counterparty: ['shop-7', 'nobody'],
  provider: ['provider-3', 'nobody'],
  provider_reference: ['p-777', 'none'],
  route: ['default', 'none'],
  kind: ['order', 'payout'],
  currency: ['EUR', 'USD'],
  status: ['settled', 'held', 'refunded', 'conflicted', 'draft'],
  outcome: ['succeeded', 'void'],
  cause: ['callback_lost', 'network'],
  cause_code: ['callback_lost', 'none'],
  case: ['open', 'none', 'closed'],
  overdue: ['true', 'false'],
  not_returned: ['true', 'false'],
  lacks: ['cause', 'amount'],
};

const slipFilters: Readonly<Record<string, Partial<SlipFilter>>> = {
  'submitted_from and submitted_to': { submittedFrom: from, submittedTo: to },
  'deadline_from and deadline_to': { deadlineFrom: from, deadlineTo: to },
  'amount_min that none has': { amountMin: 10n ** 18n },
  'amount_max that few have': { amountMax: 77n },
  'metadata.<key> that none has': { metadata: [{ key: 'a', values: ['b'], isNot: false }] },
  'metadata.<key> that half have': { metadata: [{ key: 'channel', values: ['web'], isNot: false }] },
  'clock=import-1': { clock: 'import-1' },
  'clock=nowhere': { clock: 'nowhere' },
  'their caller, who has none': { caller: 'nobody' },
};

const eventFilters: Readonly<Record<string, Partial<EventListFilter>>> = {
  'slip=slip-777': { slips: ['slip-777'] },
  'type=slipstream.slip.submitted.v1': { types: ['slipstream.slip.submitted.v1'] },
  'type=slipstream.slip.returned.v1': { types: ['slipstream.slip.returned.v1'] },
  'received_from and received_to': { receivedFrom: from, receivedTo: to },
  'trace that none has': { trace: '0af7651916cd43dd8448eb211c80319c' },
  'clock=nowhere': { clock: 'nowhere' },
};
const eventFields = [
  ...(['reference', 'reference_prefix', 'account', 'counterparty', 'provider', 'route'] as const),
  ...(['kind', 'currency'] as const),
];

const accountFilters: readonly Partial<AccountFilter>[] = [
  {},
  { owner: 'cust-7' },
  { kind: 'available' },
  { kind: 'receivable' },
  { kind: 'held', currency: 'KWD' },
  { currency: 'none' },
  { clock: 'nowhere' },
];

const suspenseFilters: Readonly<Record<string, Partial<SuspenseFilter>>> = {
  'origin=denied': { origin: 'denied' },
  'origin=in_doubt': { origin: 'in_doubt' },
  'origin=claimed': { origin: 'claimed' },
  'slip=slip-69': { slip: 'slip-69' },
  'account=nobody': { account: 'nobody' },
  'provider=provider-3': { provider: 'provider-3' },
  'provider=nobody': { provider: 'nobody' },
  'currency=KWD': { currency: 'KWD' },
  'proposed=true': { proposed: true },
  'clock=nowhere': { clock: 'nowhere' },
};

const decisionFilters: Readonly<Record<string, DecisionFilter>> = {
  'slip=slip-7': { slip: 'slip-7' },
  'by=nobody': { proposedBy: 'nobody' },
  'status=proposed': { status: 'proposed' },
  'status=booked': { status: 'booked' },
};

/** A slip, and a page of each list of the ledger with each of its filters. */
export function ledgerQuestions(unitOfWork: UnitOfWork): Questions {
  const queries = ledgerQueries(unitOfWork, noWaits);
  const suspense = suspenseReads(unitOfWork);
  const log = proofs(unitOfWork, () => Promise.reject(new Error('not asked')));
  const slips = (filter: Partial<SlipFilter>) => () =>
    queries.slips({ clock: 'wall', terms: [], metadata: [], caller: null, ...filter }, 'desc', page);
  const events = (filter: Partial<EventListFilter>) => () =>
    queries.log(
      { slips: [], types: [], clock: 'wall', terms: [], caller: null, trace: null, ...filter },
      page,
    );
  const terms = (field: SlipField, value: string, isNot = false) => ({
    terms: [{ field, values: [value], isNot }],
  });
  const each = <Filter>(
    what: string,
    filters: Readonly<Record<string, Filter>>,
    ask: (filter: Filter) => () => Promise<unknown>,
  ) => Object.entries(filters).map(([name, filter]) => [`${what} by ${name}`, ask(filter)] as const);
  const transactions = (id: string) => () => queries.transactions({ account: { id, clock: 'wall' } }, page);
  return Object.fromEntries([
    ['one slip', () => queries.slip('slip-777')],
    ['one slip, as it was', () => queries.slip('slip-777', '2026-01-01T03:00:00Z')],
    ['the events of a slip', () => queries.events('slip-777', page)],
    ['the transactions of a slip', () => queries.transactions({ slip: 'slip-777' }, page)],
    ['slips, the latest', slips({})],
    ...slipFields.flatMap((field) =>
      values[field].map((value) => [`slips by ${field}=${value}`, slips(terms(field, value))] as const),
    ),
    ...slipFields.map(
      (field) =>
        [`slips by ${field}.not=${values[field][0]}`, slips(terms(field, values[field][0]!, true))] as const,
    ),
    ...each('slips', slipFilters, slips),
    ['events, the first', events({})],
    ...each('events', eventFilters, events),
    ...eventFields.flatMap((field) =>
      values[field].map((value) => [`events by ${field}=${value}`, events(terms(field, value))] as const),
    ),
    ...accountFilters.map(
      (filter) =>
        [
          `accounts by ${JSON.stringify(filter)}`,
          () => queries.accounts({ clock: 'wall', ...filter }, page),
        ] as const,
    ),
    ['the balances of a busy account', () => queries.account('cust-7', 'wall')],
    ['transactions, all', () => queries.transactions({}, page)],
    ['transactions of a payer', transactions('cust-7')],
    ['transactions of a provider', transactions('provider:provider-3:settlement')],
    ['suspense, the oldest', () => suspense.list({ clock: 'wall' }, page)],
    ...each('suspense', suspenseFilters, (filter) => () => suspense.list({ clock: 'wall', ...filter }, page)),
    ['decisions, the newest', () => suspense.decisions({}, page)],
    ...each('decisions', decisionFilters, (filter) => () => suspense.decisions(filter, page)),
    ['checkpoints, the latest', () => log.checkpoints(page)],
  ]);
}

/** Each second slip has a decision about it, and a checkpoint is signed for it. */
export const besideBooks = {
  tables: ['suspense_decision', 'checkpoint'],
  statements: [
    `insert into suspense_decision (decision_id, slip_id, entry, decision, reason, proposed_by, proposed_at, request_key, digest)
     select gen_random_uuid(), 'slip-' || n, 1, 'uphold', '', 'ann', timestamptz '2026-01-01' + n * interval '1 s', n::text, ''
     from generate_series($1::int, $2::int) n where n % 2 = 0`,
    "insert into signing_key (id, verifier_key) select 'k', 'k' where $1::int <= $2::int on conflict do nothing",
    `insert into checkpoint (id, at, note, key_id) select gen_random_uuid(), timestamptz '2026-01-01' + n * interval '1 s',
       E'slipstream ledger checkpoint v1\\nid\\nat\\n0 1 ' || encode(sha256(''), 'base64') || E'\\n', 'k'
     from generate_series($1::int, $2::int) n where n % 2 = 0`,
  ],
} as const;
