import { checkPayment, checkReach } from './payments-check.ts';
import { checkAmounts, checkRoutes, checkZone, type Problem } from './problem.ts';
import { rulesDefaults } from './rules-defaults.ts';
import type { LimitDocument, ProviderDocument, RouteDocument, RulesDocument } from './rules-schema.ts';
import { checkStatementSource } from './statements.ts';

/** Rules that span several keys; the schema has already accepted the document. */
export function checkRules(document: RulesDocument): Problem[] {
  return [
    ...Object.entries(document.providers).flatMap(([id, provider]) =>
      checkProviderRules(provider).map(({ path, reason }) => ({ path: ['providers', id, ...path], reason })),
    ),
    ...Object.entries(document.routes).flatMap(([id, route]) =>
      below(['routes', id], checkRoute(route, document)),
    ),
    ...Object.entries(document.limits ?? {}).flatMap(([id, limit]) =>
      below(['limits', id], checkLimit(limit, document)),
    ),
    ...Object.entries(document.payments ?? {}).flatMap(([id, payment]) =>
      below(['payments', id], checkPayment(payment, document)),
    ),
    ...below(['repair'], checkAmounts('amount_per_hour', document.repair?.amount_per_hour)),
    ...Object.entries(document.statements ?? {}).flatMap(([id, source]) =>
      below(['statements', id], checkStatementSource(source, document)),
    ),
    ...checkReach(document),
  ];
}

function checkProviderRules(provider: ProviderDocument): Problem[] {
  const { base_url, poll_ladder_ms, recheck_ladder_ms, statement } = provider;
  const problems = [
    ...checkLadder('poll_ladder_ms', poll_ladder_ms ?? []),
    ...checkLadder('recheck_ladder_ms', recheck_ladder_ms ?? []),
    ...(statement ? checkZone(['statement', 'zone'], statement.zone) : []),
  ];
  if (isProviderUrl(base_url)) return problems;
  const reason = 'must be an http(s) URL without credentials, query and fragment';
  return [{ path: ['base_url'], reason }, ...problems];
}

function below(path: readonly string[], problems: readonly Problem[]): Problem[] {
  return problems.map((problem) => ({ ...problem, path: [...path, ...problem.path] }));
}

/** A limit that nothing can reach, or that is about nothing, would be taken for protection. */
function checkLimit(
  { routes = [], count_max, amount_max }: LimitDocument,
  document: RulesDocument,
): Problem[] {
  const problems: Problem[] = [];
  if (count_max === undefined && amount_max === undefined) {
    problems.push({ path: [], reason: 'a limit needs count_max or amount_max' });
  }
  return [...problems, ...checkRoutes(routes, document), ...checkAmounts('amount_max', amount_max)];
}

function isProviderUrl(text: string): boolean {
  const url = URL.parse(text);
  if (!url || !['http:', 'https:'].includes(url.protocol)) return false;
  return url.username === '' && url.password === '' && url.search === '' && url.hash === '';
}

function checkRoute(route: RouteDocument, document: RulesDocument): Problem[] {
  const problems = route.mode === 'dispatched' ? checkDispatched(route, document) : checkReported(route);
  return [
    ...problems,
    ...checkLadder('inquiry_ladder_ms', route.inquiry_ladder_ms ?? []),
    ...below(['stages'], checkStages(route)),
    ...checkDraft(route),
    ...checkReview(route),
    ...below(['overdraft'], checkOverdraft(route)),
  ];
}

const yearMs = 31_536_000_000;

/** A stage that may take longer than the slip is never told of, and on a reported route nothing is dispatched. */
function checkStages({ stages = {}, mode, outcome_deadline_ms, review }: RouteDocument): Problem[] {
  const { review: reviewed, returned, ...onTheWay } = stages;
  const reviewMs = review === undefined ? yearMs : (review.deadline_ms ?? rulesDefaults.review.deadline_ms);
  const warnings = [
    ...checkWarning('review', reviewed, reviewMs, 'review.deadline_ms'),
    ...checkWarning('returned', returned, outcome_deadline_ms, 'outcome_deadline_ms'),
  ];
  const limits = Object.entries(onTheWay).flatMap(([stage, { warn_ms, act_ms }]): Problem[] => {
    if (mode === 'reported' && stage !== 'submitted')
      return [{ path: [stage], reason: 'a reported route dispatches nothing', key: true }];
    if (act_ms >= outcome_deadline_ms)
      return [{ path: [stage, 'act_ms'], reason: 'must be less than outcome_deadline_ms' }];
    return warn_ms !== undefined && warn_ms >= act_ms
      ? [{ path: [stage, 'warn_ms'], reason: 'must be less than act_ms' }]
      : [];
  });
  return [...limits, ...warnings];
}

function checkWarning(
  stage: 'review' | 'returned',
  limits: { readonly warn_ms: number } | undefined,
  endMs: number,
  end: string,
): Problem[] {
  return limits !== undefined && limits.warn_ms >= endMs
    ? [{ path: [stage, 'warn_ms'], reason: `must be less than ${end}` }]
    : [];
}

/** A rule for what the route does not take would be taken for one about what it does. */
function checkOverdraft({ overdraft = {}, kinds }: RouteDocument): Problem[] {
  if (typeof overdraft === 'boolean') return [];
  const taken: readonly string[] = kinds ?? rulesDefaults.route.kinds;
  return Object.entries(overdraft).flatMap(([kind, far]): Problem[] => {
    if (!taken.includes(kind)) return [{ path: [kind], reason: `the route takes no ${kind}`, key: true }];
    return typeof far === 'boolean' ? [] : checkAmounts(kind, far);
  });
}

function checkReview({ review, kinds, outcome_deadline_ms }: RouteDocument): Problem[] {
  if (review === undefined) return [];
  const problems: Problem[] = [];
  const taken: readonly string[] = kinds ?? rulesDefaults.route.kinds;
  for (const [index, kind] of (review.kinds ?? []).entries()) {
    if (!taken.includes(kind))
      problems.push({ path: ['review', 'kinds', index], reason: `the route takes no ${kind}` });
  }
  for (const key of ['from_amount', 'second_person_from'] as const)
    problems.push(...below(['review'], checkAmounts(key, review[key])));
  const deadlineMs = review.deadline_ms ?? rulesDefaults.review.deadline_ms;
  if (deadlineMs + outcome_deadline_ms > yearMs) {
    const reason = `together with outcome_deadline_ms it must be at most ${yearMs}, a year`;
    problems.push({ path: ['review', 'deadline_ms'], reason });
  }
  return problems;
}

function checkDraft({ draft_expires_ms, draft_remind_before_ms }: RouteDocument): Problem[] {
  const expiresMs = draft_expires_ms ?? rulesDefaults.route.draft_expires_ms;
  if (draft_remind_before_ms === undefined || draft_remind_before_ms < expiresMs) return [];
  const reason = `must be less than draft_expires_ms, which is ${expiresMs}`;
  return [{ path: ['draft_remind_before_ms'], reason }];
}

function checkDispatched(route: RouteDocument, document: RulesDocument): Problem[] {
  const problems = checkProviders(route, document);
  const { retry_initial_ms: initial, retry_max_ms: max } = route;
  if (initial !== undefined && max !== undefined && initial > max) {
    problems.push({ path: ['retry_initial_ms'], reason: 'must not be more than retry_max_ms' });
  }
  return problems;
}

function checkProviders(route: RouteDocument, document: RulesDocument): Problem[] {
  const { provider, providers } = route;
  if (providers === undefined) {
    if (typeof provider !== 'string') {
      return [{ path: ['provider'], reason: 'a dispatched route needs a provider, or providers' }];
    }
    return checkProvider(route, provider, ['provider'], document);
  }
  if (typeof provider === 'string') {
    return [{ path: ['provider'], reason: 'a route names either provider or providers', key: true }];
  }
  return providers.flatMap(({ id }, index) => {
    const path = ['providers', index, 'id'];
    if (providers.findIndex((one) => one.id === id) < index)
      return [{ path, reason: `${id} is named twice` }];
    return checkProvider(route, id, path, document);
  });
}

function checkProvider(
  route: RouteDocument,
  id: string,
  path: Problem['path'],
  document: RulesDocument,
): Problem[] {
  if (!Object.hasOwn(document.providers, id)) return [{ path, reason: `no provider is named ${id}` }];
  return checkDeadline(route, id, document.providers[id]!);
}

/** A call that may take longer than the deadline makes slips overdue by construction, and their answers late. */
function checkDeadline(route: RouteDocument, id: string, provider: ProviderDocument): Problem[] {
  const { connect_timeout_ms, answer_timeout_ms } = { ...rulesDefaults.provider, ...provider };
  const needed = connect_timeout_ms + answer_timeout_ms;
  if (route.outcome_deadline_ms >= needed) return [];
  const needs = `${needed} ms (connect_timeout_ms ${connect_timeout_ms} + answer_timeout_ms ${answer_timeout_ms})`;
  return [
    {
      path: ['outcome_deadline_ms'],
      reason: `${route.outcome_deadline_ms} ms is less than the ${needs} that a call to provider ${id} may take`,
    },
  ];
}

function checkLadder(key: string, ladder: readonly number[]): Problem[] {
  return ladder.flatMap((step, index) =>
    index > 0 && step <= ladder[index - 1]!
      ? [{ path: [key, index], reason: 'must be more than the step before it' }]
      : [],
  );
}

const dispatchOnly = ['retry_initial_ms', 'retry_max_ms', 'quiet_period_ms'] as const;

/**
 * Another service reports the answers of a reported route: there is nobody to call or to ask. The ladder still counts:
 * its last step is how long a report is waited for.
 */
function checkReported(route: RouteDocument): Problem[] {
  const problems: Problem[] = dispatchOnly
    .filter((key) => route[key] !== undefined)
    .map((key) => ({ path: [key], reason: 'has no effect on a reported route', key: true }));
  if (typeof route.provider === 'string') {
    problems.push({ path: ['provider'], reason: 'a reported route has no provider' });
  }
  if (route.providers !== undefined) {
    problems.push({ path: ['providers'], reason: 'a reported route has no providers', key: true });
  }
  return problems;
}
