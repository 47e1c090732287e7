import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { StartError } from '@slipstream/kernel';
import { rulesDefaults } from './rules-defaults.ts';
import type {
  EarlyWarningDocument,
  LimitDocument,
  OverdraftDocument,
  OverdraftsDocument,
  PaymentDocument,
  ProviderDocument,
  ReviewDocument,
  RouteDocument,
  RulesDocument,
  StageLimitsDocument,
  WeekdayDocument,
} from './rules-schema.ts';
import { type Environment, readRulesSource } from './rules-source.ts';
import { type StatementSourceRules, statementSourceRules } from './statements.ts';

/** What the operators decided, as `slipstream.config.yaml` says. All of it is frozen. */
export interface Rules {
  /** SHA-256 (hex) of the file's content before variables are filled in: comments, layout and secrets don't count. */
  readonly digest: string;
  readonly providers: ReadonlyMap<string, ProviderRules>;
  readonly routes: ReadonlyMap<string, RouteRules>;
  /** How many requests each client may send to one instance of intake within a window; null: any number. */
  readonly clients: { readonly requestsMax: number; readonly windowMs: number } | null;
  readonly accounts: AccountRules;
  readonly duplicates: DuplicateRules;
  /** What accounts may move within a window of time, by name. */
  readonly limits: ReadonlyMap<string, LimitRules>;
  /** What slips must be like, by name. */
  readonly payments: ReadonlyMap<string, PaymentRules>;
  readonly repair: RepairRules;
  readonly cases: CaseRules;
  /** Whose statement files are taken, by name. */
  readonly statements: ReadonlyMap<string, StatementSourceRules>;
  readonly detection: DetectionRules;
}

/** What refunds that nobody asked for by hand may take within any hour; beyond it they wait for people. */
export interface RepairRules {
  readonly countMax: number;
  /** In minor units, by currency; of one that is not named, any amount. */
  readonly amountMax: ReadonlyMap<string, bigint>;
  /** Of slips that our own trouble kept from being sent, so many within ten minutes; of more each waits. */
  readonly ownTroubleMax: number;
}

export interface CaseRules {
  /** A case that is open for longer is told on. */
  readonly escalateAfterMs: number;
}

export interface AccountRules {
  /** False: slips of an account that nobody has opened are refused. */
  readonly openOnFirstUse: boolean;
}

export interface DuplicateRules {
  /** How long the same business under another reference is taken for a repeat; 0: never. */
  readonly windowMs: number;
  /** How long people have to look at a repeat; null: it is refused. */
  readonly reviewMs: number | null;
}

/** At least one of `countMax` and `amountMax` says something. */
export interface LimitRules {
  readonly name: string;
  readonly kinds: readonly ('order' | 'payout' | 'payment')[];
  /** null: all. */
  readonly routes: readonly string[] | null;
  readonly windowMs: number;
  readonly countMax: number | null;
  /** In minor units, by currency. */
  readonly amountMax: ReadonlyMap<string, bigint>;
}

/** Each says what it says about slips of these kinds on these routes; null, or nothing in it: it says nothing of that. */
export interface PaymentRules {
  readonly name: string;
  readonly kinds: readonly ('order' | 'payout' | 'payment')[];
  readonly routes: readonly string[] | null;
  /** What `metadata.method` must be one of. */
  readonly methods: readonly string[] | null;
  readonly currencies: readonly string[] | null;
  /** In minor units, by currency; both are still allowed. */
  readonly amountMin: ReadonlyMap<string, bigint>;
  readonly amountMax: ReadonlyMap<string, bigint>;
  /** `amount`, `deadline`, `metadata.<key>`. */
  readonly required: readonly string[];
  readonly cutOff: {
    /** IANA's name. */
    readonly zone: string;
    readonly days: readonly WeekdayDocument[];
    /** `HH:MM`, included; `until` is not, and may be 24:00. */
    readonly from: string;
    readonly until: string;
  } | null;
}

export interface ProviderRules {
  readonly id: string;
  /** How the provider is spoken to: a name in the gateway's `src/providers/registry.ts`, which checks it at start. */
  readonly protocol: string;
  /** Without a slash at the end. */
  readonly baseUrl: string;
  /** Callbacks signed with either are accepted; `next` is null outside a rotation. */
  readonly secrets: { readonly current: string; readonly next: string | null };
  readonly connectTimeoutMs: number;
  readonly answerTimeoutMs: number;
  /** Longest time between sending and the provider's decision to accept; null: it declares none (rule 3). */
  readonly acceptanceDelayMaxMs: number | null;
  /** Calls in flight per instance. */
  readonly concurrencyMax: number;
  /** After too many failed calls an instance makes none for so long; then one tries it again. */
  readonly circuitOpenMs: number;
  /** HTTP 429 is its word that it took nothing. */
  readonly throttledMeansNotTaken: boolean;
  /** The same call again is the same order to it, never a second one: one that got no answer may be repeated. */
  readonly idempotentByReference: boolean;
  /** Once it has confirmed a cancellation by our reference, it never executes an order of it, whenever that comes. */
  readonly cancelByReference: boolean;
  /** How long after a call the provider may not know of it yet when asked: it is not asked before, and proves nothing. */
  readonly visibilityDelayMs: number;
  /** False: a success may follow a failure until the deadline. */
  readonly failuresFinal: boolean;
  /** When a slip without an answer is asked about before its deadline, after its call; ascending. */
  readonly pollLadderMs: readonly number[];
  /** When it is asked again about a slip that it provably did not execute, after the proof; ascending. */
  readonly recheckLadderMs: readonly number[];
  /** How often it is asked whether it is there, and where (below the base URL; null: about a slip that cannot be). Null: never. */
  readonly probe: { readonly everyMs: number; readonly path: string | null } | null;
  /** When the statement of a day is whole: the day is one of the zone, the time (`HH:MM`) on the day after. Null: none is read. */
  readonly statement: { readonly zone: string; readonly availableAt: string } | null;
}

export interface RouteRules {
  readonly id: string;
  /** `reported`: another service reports the answers; nobody is called. */
  readonly mode: 'dispatched' | 'reported';
  /** The first choice of `providers`: what a slip is submitted for. Null exactly when `mode` is `reported`. */
  readonly provider: string | null;
  /** Who the gateway may send a slip to, in the order of their priority; none on a reported route. */
  readonly providers: readonly RouteProvider[];
  readonly kinds: readonly ('order' | 'payout' | 'payment')[];
  /** From SlipSubmitted to the latest answer that is in time. */
  readonly outcomeDeadlineMs: number;
  /** How far slips may take their payer's account below zero, by kind. */
  readonly overdraft: Readonly<Record<'order' | 'payment' | 'payout', OverdraftRule>>;
  readonly retryInitialMs: number;
  readonly retryMaxMs: number;
  /** Least time between the two NOT_FOUND answers that prove that a slip was not executed (rule 3). */
  readonly quietPeriodMs: number;
  /** Times of the inquiries after SlipOverdue, ascending. On a reported route: until the last one a report is waited for. */
  readonly inquiryLadderMs: readonly number[];
  /** How long the stages may take; null: as long as the deadline lets them. */
  readonly stages: StageRules | null;
  /** How long a draft can be confirmed. */
  readonly draftExpiresMs: number;
  /** How long before that its caller is reminded; 0: not at all. */
  readonly draftRemindBeforeMs: number;
  /** Which slips people must approve before anything is held; null: none. */
  readonly review: ReviewRules | null;
}

/** By stage, from the event that begins it; null: it is not told of. `warnMs` 0: there is no warning; `actMs` 0: something else ends it. */
export type StageRules = Readonly<
  Record<
    'submitted' | 'review' | 'held' | 'dispatching' | 'returned',
    { readonly warnMs: number; readonly actMs: number } | null
  >
>;

/** However far; not at all; or so far, in minor units by currency, and in any other currency not at all. */
export type OverdraftRule = boolean | ReadonlyMap<string, bigint>;

/** Amounts are minor units, by currency. */
export interface ReviewRules {
  readonly kinds: readonly ('order' | 'payout' | 'payment')[];
  /** From which amount on; in a currency that is not named, always. null: whatever the amount. */
  readonly fromAmount: ReadonlyMap<string, bigint> | null;
  /** From which amount on two people must approve; in a currency that is not named, always. null: one is enough. */
  readonly secondPersonFrom: ReadonlyMap<string, bigint> | null;
  /** How long they have before it is declined. */
  readonly deadlineMs: number;
}

/** A provider of a route: of those that can be called the lowest priority is, and among equals each by its weight. */
export interface RouteProvider {
  readonly id: string;
  readonly priority: number;
  readonly weight: number;
}

export interface DetectionRules {
  /** Added to a deadline before it is judged (rule 6). */
  readonly graceMs: number;
  /** A detector that could not judge for longer says that it is blind: log, metric, readiness detail. */
  readonly blindMsMax: number;
  /** The clocks of the databases and the broker may lie this far apart; beyond it dispatch and verdicts pause. */
  readonly clockSkewMsMax: number;
  readonly earlyWarning: EarlyWarningRules;
}

/** When a provider on a route is warned about because too little comes back, before deadlines pass. */
export interface EarlyWarningRules {
  /** No warning before so many slips were followed to their deadline. */
  readonly slipsMin: number;
  /** Were all well, a false warning comes once in so many days of traffic, or more seldom. */
  readonly falseAlarmEveryDays: number;
  /** What is still ordinary: a pause of this share of the time to the deadline, */
  readonly pauseShare: number;
  /** outcomes that take so many times as long, */
  readonly slowerTimes: number;
  /** and the loss of so many of them. */
  readonly lostShare: number;
  /** A slip counts half when it is so old. */
  readonly halfLifeMs: number;
}

const fileBytesMax = 1_048_576;

/** When the rules file says nothing about it. */
export const earlyWarningDefaults: EarlyWarningRules = earlyWarningRules(undefined);

/**
 * Reads the rules file.
 * @param environment where `${NAME}` in string values is looked up
 * @throws {StartError} with `file:line:column: reason` for every problem
 */
export function loadRules(file: string, environment: Environment): Rules {
  let text: string;
  try {
    if (statSync(file).size > fileBytesMax) throw new Error(`larger than ${fileBytesMax} bytes`);
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new StartError('The rules file cannot be read:', [`${file}: ${(error as Error).message}`]);
  }
  return parseRules(text, { file, environment });
}

/** {@link loadRules} on text already read; `file` is only named in problems. */
export function parseRules(text: string, origin: { file: string; environment: Environment }): Rules {
  const { document, raw, problems } = readRulesSource(text, origin.environment);
  if (document === null) {
    throw new StartError(
      'The rules file is not usable:',
      problems.map((problem) => `${origin.file}:${problem}`),
    );
  }
  return build(document, createHash('sha256').update(canonicalJson(raw)).digest('hex'));
}

function build(document: RulesDocument, digest: string): Rules {
  const { grace_ms, blind_ms_max, clock_skew_ms_max } = { ...rulesDefaults.detection, ...document.detection };
  const accounts = { ...rulesDefaults.accounts, ...document.accounts };
  const duplicates = { ...rulesDefaults.duplicates, ...document.duplicates };
  return Object.freeze({
    digest,
    providers: frozenMap(
      Object.entries(document.providers).map(([id, from]) => [id, providerRules(id, from)]),
    ),
    routes: frozenMap(Object.entries(document.routes).map(([id, from]) => [id, routeRules(id, from)])),
    clients: document.clients
      ? Object.freeze({
          requestsMax: document.clients.requests_max,
          windowMs: document.clients.window_ms,
        })
      : null,
    accounts: Object.freeze({ openOnFirstUse: accounts.open_on_first_use }),
    duplicates: Object.freeze({
      windowMs: duplicates.window_ms,
      reviewMs: duplicates.action === 'review' ? duplicates.review_deadline_ms : null,
    }),
    limits: frozenMap(Object.entries(document.limits ?? {}).map(([id, from]) => [id, limitRules(id, from)])),
    payments: frozenMap(
      Object.entries(document.payments ?? {}).map(([id, from]) => [id, paymentRules(id, from)]),
    ),
    repair: Object.freeze({
      countMax: document.repair?.refunds_per_hour ?? rulesDefaults.repair.refunds_per_hour,
      amountMax: amounts(document.repair?.amount_per_hour),
      ownTroubleMax: document.repair?.own_trouble_slips ?? rulesDefaults.repair.own_trouble_slips,
    }),
    cases: Object.freeze({
      escalateAfterMs: document.cases?.escalate_after_ms ?? rulesDefaults.cases.escalate_after_ms,
    }),
    statements: frozenMap(
      Object.entries(document.statements ?? {}).map(([id, from]) => [id, statementSourceRules(id, from)]),
    ),
    detection: Object.freeze({
      graceMs: grace_ms,
      blindMsMax: blind_ms_max,
      clockSkewMsMax: clock_skew_ms_max,
      earlyWarning: earlyWarningRules(document.detection?.early_warning),
    }),
  });
}

function earlyWarningRules(document: EarlyWarningDocument | undefined): EarlyWarningRules {
  const from = { ...rulesDefaults.earlyWarning, ...document };
  return Object.freeze({
    slipsMin: from.slips_min,
    falseAlarmEveryDays: from.false_alarm_every_days,
    pauseShare: from.pause_percent / 100,
    slowerTimes: from.slower_percent / 100,
    lostShare: from.lost_percent / 100,
    halfLifeMs: from.half_life_ms,
  });
}

function providerRules(id: string, document: ProviderDocument): ProviderRules {
  const from = { ...rulesDefaults.provider, ...document };
  return Object.freeze({
    id,
    protocol: from.protocol,
    baseUrl: from.base_url.replace(/\/+$/, ''),
    secrets: Object.freeze({ current: from.secret, next: from.secret_next ?? null }),
    connectTimeoutMs: from.connect_timeout_ms,
    answerTimeoutMs: from.answer_timeout_ms,
    acceptanceDelayMaxMs: from.acceptance_delay_max_ms ?? null,
    concurrencyMax: from.concurrency_max,
    circuitOpenMs: from.circuit_open_ms,
    throttledMeansNotTaken: from.throttled_means_not_taken,
    idempotentByReference: from.idempotent_by_reference,
    cancelByReference: from.cancel_by_reference,
    visibilityDelayMs: from.visibility_delay_ms,
    failuresFinal: from.failures_final,
    pollLadderMs: Object.freeze([...from.poll_ladder_ms]),
    recheckLadderMs: Object.freeze([...from.recheck_ladder_ms]),
    probe: probeRules(document),
    statement: statementRules(document),
  });
}

function probeRules({ probe }: ProviderDocument): ProviderRules['probe'] {
  if (probe === undefined) return null;
  const { every_ms, path = null } = { ...rulesDefaults.probe, ...probe };
  return Object.freeze({ everyMs: every_ms, path });
}

function statementRules({ statement }: ProviderDocument): ProviderRules['statement'] {
  if (statement === undefined) return null;
  const { zone, available_at } = { ...rulesDefaults.statement, ...statement };
  return Object.freeze({ zone, availableAt: available_at });
}

function routeRules(id: string, document: RouteDocument): RouteRules {
  const from = { ...rulesDefaults.route, ...document };
  const providers = routeProviders(document);
  return Object.freeze({
    id,
    mode: from.mode,
    provider: providers[0]?.id ?? null,
    providers: Object.freeze(providers),
    kinds: Object.freeze([...from.kinds]),
    outcomeDeadlineMs: from.outcome_deadline_ms,
    overdraft: overdraftRules(from.overdraft),
    retryInitialMs: document.retry_initial_ms ?? Math.min(from.retry_initial_ms, from.retry_max_ms),
    retryMaxMs: document.retry_max_ms ?? Math.max(from.retry_max_ms, from.retry_initial_ms),
    quietPeriodMs: from.quiet_period_ms,
    inquiryLadderMs: Object.freeze([...from.inquiry_ladder_ms]),
    stages: stageRules(document.stages),
    draftExpiresMs: from.draft_expires_ms,
    review: document.review ? reviewRules(document.review) : null,
    draftRemindBeforeMs: document.draft_remind_before_ms ?? defaultRemindBeforeMs(from.draft_expires_ms),
  });
}

function stageRules(stages: RouteDocument['stages']): StageRules | null {
  if (stages === undefined) return null;
  const { submitted, review, held, dispatching, returned } = stages;
  const limits = (one: Partial<StageLimitsDocument> | undefined) =>
    one === undefined ? null : Object.freeze({ warnMs: one.warn_ms ?? 0, actMs: one.act_ms ?? 0 });
  return Object.freeze({
    submitted: limits(submitted),
    review: limits(review),
    held: limits(held),
    dispatching: limits(dispatching),
    returned: limits(returned),
  });
}

/** The money of orders and payments comes from outside; a payout needs funds. Unless the route says otherwise. */
function overdraftRules(document: boolean | OverdraftsDocument): RouteRules['overdraft'] {
  const told = typeof document === 'boolean' ? { payout: document } : document;
  const { order, payment, payout } = { ...rulesDefaults.overdraft, ...told };
  return Object.freeze({
    order: overdraftRule(order),
    payment: overdraftRule(payment),
    payout: overdraftRule(payout),
  });
}

function overdraftRule(document: OverdraftDocument): OverdraftRule {
  return typeof document === 'boolean' ? document : amounts(document);
}

function paymentRules(name: string, document: PaymentDocument): PaymentRules {
  const from = { ...rulesDefaults.payment, ...document };
  const { methods = null, currencies = null, required = [], routes = null, cut_off } = from;
  return Object.freeze({
    ...{ name, kinds: from.kinds, routes, methods, currencies, required },
    amountMin: amounts(from.amount_min),
    amountMax: amounts(from.amount_max),
    cutOff: cut_off ? Object.freeze({ ...rulesDefaults.cut_off, ...cut_off }) : null,
  });
}

function amounts(document: Readonly<Record<string, string>> = {}): ReadonlyMap<string, bigint> {
  return frozenMap(Object.entries(document).map(([currency, amount]) => [currency, BigInt(amount)]));
}

function limitRules(name: string, document: LimitDocument): LimitRules {
  const from = { ...rulesDefaults.limit, ...document };
  return Object.freeze({
    name,
    kinds: Object.freeze([...from.kinds]),
    routes: from.routes ? Object.freeze([...from.routes]) : null,
    windowMs: from.window_ms,
    countMax: from.count_max ?? null,
    amountMax: amounts(from.amount_max),
  });
}

/** One that is named by `provider` alone is the only one. */
function routeProviders({ provider, providers }: RouteDocument): RouteProvider[] {
  const named = providers ?? (typeof provider === 'string' ? [{ id: provider }] : []);
  return named
    .map((one) => Object.freeze({ ...rulesDefaults.routeProvider, ...one }))
    .sort((a, b) => a.priority - b.priority || b.weight - a.weight);
}

function reviewRules(document: ReviewDocument): ReviewRules {
  const from = { ...rulesDefaults.review, ...document };
  return Object.freeze({
    kinds: Object.freeze([...from.kinds]),
    fromAmount: from.from_amount ? amounts(from.from_amount) : null,
    secondPersonFrom: from.second_person_from ? amounts(from.second_person_from) : null,
    deadlineMs: from.deadline_ms,
  });
}

/** None where a draft lives no longer than the reminder would come before its end. */
function defaultRemindBeforeMs(draftExpiresMs: number): number {
  const { draft_remind_before_ms } = rulesDefaults.route;
  return draft_remind_before_ms < draftExpiresMs ? draft_remind_before_ms : 0;
}

/** `Object.freeze` does not stop `Map.set`, so a rules map refuses it itself. */
function frozenMap<T>(entries: readonly (readonly [string, T])[]): ReadonlyMap<string, T> {
  const refuse = () => {
    throw new TypeError('the rules cannot be changed');
  };
  const methods = { value: refuse, enumerable: false };
  return Object.freeze(
    Object.defineProperties(new Map(entries), { set: methods, delete: methods, clear: methods }),
  );
}

/** JSON with sorted keys: the same for the same content, whatever the layout of the file. */
function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonicalJson(item)}`).join(',')}}`;
}
