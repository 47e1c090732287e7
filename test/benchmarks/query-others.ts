import { topics } from '@slipstream/contracts';
import { DeadLetters, type LetterFilter, type UnitOfWork } from '@slipstream/postgres';
import { waitingStore } from '../../services/intake/src/adapters/postgres/waiting-store.ts';
import type { ReviewFilter } from '../../services/intake/src/application/ports.ts';
import { postgresStore } from '../../services/provider-gateway/src/adapters/postgres/store.ts';
import {
  type UnmatchedFilter,
  unmatchedKinds,
  unmatchedReasons,
} from '../../services/provider-gateway/src/application/unmatched.ts';
import { createActionDesk } from '../../services/reconciliation/src/adapters/postgres/action-desk.ts';
import { createIncidentReads } from '../../services/reconciliation/src/adapters/postgres/incident-reads.ts';
import { createReads } from '../../services/reconciliation/src/adapters/postgres/reads.ts';
import { statementViews } from '../../services/reconciliation/src/adapters/postgres/statement-views.ts';
import type { ActionFilter } from '../../services/reconciliation/src/application/actions/ports.ts';
import type { IncidentFilter } from '../../services/reconciliation/src/application/incidents/reads.ts';
import type { CaseFilter } from '../../services/reconciliation/src/application/reads.ts';
import type { BreakFilter } from '../../services/reconciliation/src/application/statements/ports.ts';
import { noWords, type Words } from '../../services/reconciliation/src/application/words.ts';
import type { Questions } from './query.ts';

const limit = 50;
const unasked = () => {
  throw new Error('not asked');
};

function each<Filter>(
  what: string,
  filters: Readonly<Record<string, Filter>>,
  ask: (filter: Filter) => Promise<unknown>,
): Questions {
  return Object.fromEntries(
    Object.entries(filters).map(([name, filter]) => [`${what} by ${name}`, () => ask(filter)]),
  );
}

const reviews: Readonly<Record<string, Partial<ReviewFilter>>> = {
  'status=open': {},
  'status=approved': { status: 'approved' },
  'status=declined': { status: 'declined' },
  'status=withdrawn': { status: 'withdrawn' },
  'route=payouts': { route: 'payouts' },
  'kind=order': { status: 'approved', kind: 'order' },
  'account=cust-7': { status: 'approved', account: 'cust-7' },
  'maker=nobody': { status: 'approved', maker: 'nobody' },
  'claimed_by=nobody': { status: 'approved', claimedBy: 'nobody' },
};

export function intakeQuestions(unitOfWork: UnitOfWork): Questions {
  const store = waitingStore(unitOfWork, unasked);
  const all = {
    status: 'open',
    route: null,
    kind: null,
    account: null,
    maker: null,
    claimedBy: null,
  } as const;
  return {
    'what is due of drafts and reviews': () => store.nextDue(limit),
    ...each('reviews', reviews, (filter) => store.reviews({ ...all, ...filter }, { limit, from: null })),
  };
}

export function gatewayQuestions(unitOfWork: UnitOfWork): Questions {
  const store = postgresStore(unitOfWork, {
    ...{ encode: unasked, encodeOps: unasked, certify: unasked, observe: unasked, hear: unasked },
    events: { group: 'provider-gateway', topic: topics.events.name },
    resultsTopic: topics.results.name,
  });
  const all: UnmatchedFilter = { kind: null, reason: null, sender: null };
  const filters: Readonly<Record<string, Partial<UnmatchedFilter>>> = Object.fromEntries([
    ['nothing', {}],
    ...unmatchedKinds.map((kind) => [`kind=${kind}`, { kind }]),
    ...unmatchedReasons.map((reason) => [`reason=${reason}`, { reason }]),
    ...['acme', 'rare', 'nobody'].map((sender) => [`sender=${sender}`, { sender }]),
  ]);
  return each('unmatched', filters, (filter) =>
    store.run((tx) => tx.unmatched({ ...all, ...filter }, null, limit)),
  );
}

const only = <Word extends string>(word: Word): Words<Word> => ({ any: [word], none: [] });
const cases: Readonly<Record<string, Partial<CaseFilter>>> = {
  nothing: {},
  'status=open': { status: only('open') },
  'status=closed': { status: only('closed') },
  'provider=provider-3': { provider: only('provider-3') },
  'provider=nobody': { provider: only('nobody') },
  'assignee=nobody': { assignee: only('nobody') },
  'cause=nothing': { cause: only('nothing') },
  'reason=nothing': { reason: only('nothing') },
  'unassigned=true': { unassigned: true },
  'escalated=true': { escalated: true },
  min_age_s: { minAgeS: 1_000_000_000 },
  'incident=incident-7': { incident: 'incident-7' },
};
const actions: Readonly<Record<string, Partial<ActionFilter>>> = {
  nothing: {},
  'slip=slip-777': { slipId: 'slip-777' },
  'bulk that there is not': { bulkId: '80000000-0000-4000-8000-000000000000' },
  'status=proposed': { status: 'proposed' },
  'action=refund': { action: 'refund' },
  'by=nobody': { by: 'nobody' },
};
const breaks: Readonly<Record<string, Partial<BreakFilter>>> = {
  nothing: {},
  'status=open': { status: only('open') },
  'status=acknowledged': { status: only('acknowledged') },
  'status=snoozed': { status: only('snoozed') },
  'status=resolved': { status: only('resolved') },
  'type=amount': { type: only('amount') },
  'type=currency': { type: only('currency') },
  'provider=acme': { provider: only('acme') },
  'provider=nobody': { provider: only('nobody') },
  'statement that there is not': { statement: '80000000-0000-4000-8000-000000000000' },
  'slip=slip-777': { slip: 'slip-777' },
};
const incidents: Readonly<Record<string, IncidentFilter>> = {
  nothing: { status: null, provider: null },
  'status=open': { status: 'open', provider: null },
  'provider=nobody': { status: null, provider: 'nobody' },
};
const letters: Readonly<Record<string, LetterFilter>> = {
  nothing: {},
  'slip=slip-777': { slip: 'slip-777' },
  'reason=unknown_type': { reason: 'unknown_type' },
  'status=dismissed': { status: 'dismissed' },
};

export function reconciliationQuestions(unitOfWork: UnitOfWork): Questions {
  const reads = createReads(unitOfWork, 12);
  const desk = createActionDesk({ unitOfWork, encode: unasked, newId: unasked, partitionOf: unasked });
  const outages = createIncidentReads(unitOfWork);
  const files = statementViews({ unitOfWork, publish: unasked, publishOps: unasked, acted: unasked });
  const aside = new DeadLetters(unitOfWork, () => []);
  const anyCase: CaseFilter = {
    ...{ status: noWords, cause: noWords, provider: noWords, assignee: noWords, reason: noWords },
    ...{ unassigned: null, escalated: null, minAgeS: null, incident: null },
  };
  const anyAction: ActionFilter = { slipId: null, bulkId: null, status: null, action: null, by: null };
  const anyBreak: BreakFilter = {
    ...{ status: noWords, type: noWords, provider: noWords },
    ...{ statement: null, slip: null },
  };
  return {
    'one case': () => reads.caseOf('slip-777'),
    'one incident': () => outages.incident('incident-7'),
    'the slips of an incident': () => outages.slips('incident-7', null, limit),
    'statements, the newest': () => files.statements(null, limit),
    ...each('cases', cases, (filter) => reads.cases({ ...anyCase, ...filter }, null, limit)),
    ...each('actions', actions, (filter) => desk.actions({ ...anyAction, ...filter }, null, limit)),
    ...each('breaks', breaks, (filter) => files.breaks({ ...anyBreak, ...filter }, null, limit)),
    ...each('incidents', incidents, (filter) => outages.incidents(filter, null, limit)),
    ...each('dead letters', letters, (filter) => aside.list(filter, limit, null)),
  };
}
