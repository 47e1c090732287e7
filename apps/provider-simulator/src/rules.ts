import { roll } from './seeded.ts';

export const FAULTS = [
  'refuse_connection',
  'timeout_before_work',
  'timeout_after_work',
  'executes_late',
  'error_500_before_work',
  'error_500_after_work',
  'reject',
  'lost_callback',
  'duplicate_callback',
  'late_callback',
  'forged_callback',
  'reordered_callback',
  'contradicting_callback',
  'not_found_early',
  'amount_changed',
  'currency_changed',
  'zero_amount_failure',
  'garbage_body',
  'slow_drip',
  'redirect',
  'throttle_429',
  'frozen_backlog',
  'slow_inquiry',
  'ignores_cancellation',
] as const;

export type Fault = (typeof FAULTS)[number];

type FaultOfQuestions = Extract<Fault, 'slow_inquiry' | 'ignores_cancellation'>;

/** They decide no submission, and stand beside a rule that does. */
const ofQuestions: ReadonlySet<Fault> = new Set<FaultOfQuestions>(['slow_inquiry', 'ignores_cancellation']);

/** A rule as sent to `PUT /v1/rules`; only `fault` is required. */
export interface RuleInput {
  readonly fault: Fault;
  /** null: every provider. */
  readonly provider?: string | null;
  /** Regular expressions that the slip's reference and its payer's account must match somewhere. */
  readonly match?: { readonly reference?: string; readonly account?: string } | null;
  /** Share of the matching submissions that are hit, 0..1; default 1. */
  readonly rate?: number;
  /** RFC 3339; the rule holds from this time (included) … */
  readonly from?: string | null;
  /** … to this one (excluded). */
  readonly to?: string | null;
  /** Read by the faults of which the README's table says so. */
  readonly delay_ms?: number | null;
}

export interface Rule {
  readonly fault: Fault;
  readonly provider: string | null;
  readonly reference: RegExp | null;
  readonly account: RegExp | null;
  readonly rate: number;
  readonly fromMs: number | null;
  readonly toMs: number | null;
  readonly delayMs: number | null;
}

/** A rule that can't hold; `index` is its place in the list. */
export class RuleError extends Error {
  readonly pointer: string;
  constructor(index: number, field: string, message: string) {
    super(message);
    this.pointer = `/${index}/${field}`;
  }
}

/** @throws RuleError for an unknown provider, a bad expression, an empty window, or what a fault can't do */
export function parseRules(inputs: readonly RuleInput[], providerIds: ReadonlySet<string>): Rule[] {
  return inputs.map((input, index) => {
    const provider = input.provider ?? null;
    if (provider !== null && !providerIds.has(provider)) {
      const known = [...providerIds].join(', ');
      throw new RuleError(index, 'provider', `there is no provider "${provider}"; known: ${known}`);
    }
    const fromMs = time(input.from, index, 'from');
    const toMs = time(input.to, index, 'to');
    if (fromMs !== null && toMs !== null && fromMs >= toMs) {
      throw new RuleError(index, 'to', '"to" must lie after "from"');
    }
    if (input.fault === 'frozen_backlog' && toMs === null) {
      throw new RuleError(index, 'to', 'a frozen backlog is worked off at its end: say "to"');
    }
    if (ofQuestions.has(input.fault) && input.match?.account !== undefined) {
      throw new RuleError(index, 'match/account', 'a question names no account');
    }
    return {
      fault: input.fault,
      provider,
      reference: compile(input.match?.reference, index, 'reference'),
      account: compile(input.match?.account, index, 'account'),
      rate: input.rate ?? 1,
      fromMs,
      toMs,
      delayMs: input.delay_ms ?? null,
    };
  });
}

export interface Submission {
  readonly provider: string;
  readonly slipId: string;
  readonly reference: string;
  /** null matches no expression. */
  readonly account: string | null;
  readonly attempt: number;
}

/** The first rule that hits this submission; it depends on the seed, the rule's place, the slip and the attempt. */
export function decide(
  rules: readonly Rule[],
  seed: string,
  submission: Submission,
  nowMs: number,
): Rule | null {
  for (const [index, rule] of rules.entries()) {
    if (isOutage(rule) || ofQuestions.has(rule.fault) || !holds(rule, submission.provider, nowMs)) continue;
    if (!matches(rule.reference, submission.reference) || !matches(rule.account, submission.account))
      continue;
    if (roll(seed, 'rule', index, submission.slipId, submission.attempt) < rule.rate) return rule;
  }
  return null;
}

export interface Inquiry {
  readonly provider: string;
  readonly slipId: string;
  /** null for a slip that the provider never received: no expression matches it. */
  readonly reference: string | null;
}

/** The first rule of this fault of questions that hits this one; it hits every such question about a slip, or none. */
export function decideInquiry(
  rules: readonly Rule[],
  fault: FaultOfQuestions,
  seed: string,
  { provider, slipId, reference }: Inquiry,
  nowMs: number,
): Rule | null {
  for (const [index, rule] of rules.entries()) {
    if (rule.fault !== fault || !holds(rule, provider, nowMs)) continue;
    if (!matches(rule.reference, reference)) continue;
    if (roll(seed, 'inquiry', index, slipId) < rule.rate) return rule;
  }
  return null;
}

/** Whether the provider's listener has to be closed now. */
export function isRefusing(rules: readonly Rule[], provider: string, nowMs: number): boolean {
  return rules.some((rule) => isOutage(rule) && holds(rule, provider, nowMs));
}

/** The next time after `nowMs` at which an outage begins or ends. */
export function nextOutageEdge(rules: readonly Rule[], nowMs: number): number | null {
  const edges = rules.filter(isOutage).flatMap((rule) => [rule.fromMs, rule.toMs]);
  const coming = edges.filter((edge) => edge !== null && edge > nowMs) as number[];
  return coming.length === 0 ? null : Math.min(...coming);
}

/** A refusal that picks no single slips concerns the provider as a whole. */
function isOutage(rule: Rule): boolean {
  return rule.fault === 'refuse_connection' && !isMatching(rule) && rule.rate === 1;
}

function isMatching({ reference, account }: Rule): boolean {
  return reference !== null || account !== null;
}

function matches(expression: RegExp | null, text: string | null): boolean {
  return expression === null || (text !== null && expression.test(text));
}

function holds(rule: Rule, provider: string, nowMs: number): boolean {
  if (rule.provider !== null && rule.provider !== provider) return false;
  if (rule.fromMs !== null && nowMs < rule.fromMs) return false;
  return rule.toMs === null || nowMs < rule.toMs;
}

function time(value: string | null | undefined, index: number, field: string): number | null {
  if (value === null || value === undefined) return null;
  const timeMs = Date.parse(value);
  if (Number.isNaN(timeMs)) throw new RuleError(index, field, `"${value}" is not a time`);
  return timeMs;
}

function compile(expression: string | undefined, index: number, field: string): RegExp | null {
  if (expression === undefined) return null;
  try {
    return new RegExp(expression);
  } catch (error) {
    throw new RuleError(index, `match/${field}`, (error as Error).message);
  }
}

/** The rule in the form of the admin API, defaults filled in. */
export function showRule(rule: Rule): Required<RuleInput> {
  return {
    fault: rule.fault,
    provider: rule.provider,
    match: isMatching(rule) ? { ...source('reference', rule), ...source('account', rule) } : null,
    rate: rule.rate,
    from: rule.fromMs === null ? null : new Date(rule.fromMs).toISOString(),
    to: rule.toMs === null ? null : new Date(rule.toMs).toISOString(),
    delay_ms: rule.delayMs,
  };
}

function source(field: 'reference' | 'account', { [field]: expression }: Rule): { [field]?: string } {
  return expression === null ? {} : { [field]: expression.source };
}
