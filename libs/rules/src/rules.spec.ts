import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { StartError } from '@slipstream/kernel';
import { loadRules, parseRules } from './rules.ts';

const secret = 'a-secret-of-some-length';
const environment = { ACME_URL: 'http://127.0.0.1:9/', ACME_SECRET: secret };

const good = `version: 1
providers:
  acme: { base_url: "\${ACME_URL}", secret: "\${ACME_SECRET}", connect_timeout_ms: 500, acceptance_delay_max_ms: 1000, answer_timeout_ms: 2500 }
routes:
  default:
    mode: dispatched
    provider: acme
    outcome_deadline_ms: 5000
    overdraft: true
    inquiry_ladder_ms: [0, 2000, 4000]
  import: { mode: reported, provider: null, outcome_deadline_ms: 86400000, kinds: [order], inquiry_ladder_ms: [9000] }
detection: { grace_ms: 10 }
`;

const parse = (text: string, env: Record<string, string> = environment) =>
  parseRules(text, { file: 'slipstream.config.yaml', environment: env });

function problemsOf(text: string, env: Record<string, string> = environment): readonly string[] {
  try {
    parse(text, env);
  } catch (error) {
    if (error instanceof StartError) return error.problems;
    throw error;
  }
  return [];
}

describe('rules', () => {
  it('are read into camelCase with defaults for what is left out', () => {
    const rules = parse(good);
    expect(rules.providers.get('acme')).toEqual({
      id: 'acme',
      protocol: 'json-callback',
      baseUrl: 'http://127.0.0.1:9',
      secrets: { current: secret, next: null },
      connectTimeoutMs: 500,
      answerTimeoutMs: 2_500,
      acceptanceDelayMaxMs: 1000,
      concurrencyMax: 32,
      circuitOpenMs: 5_000,
      throttledMeansNotTaken: false,
      idempotentByReference: false,
      cancelByReference: false,
      visibilityDelayMs: 0,
      failuresFinal: true,
      pollLadderMs: [2_000, 5_000, 15_000, 60_000, 300_000, 1_800_000, 7_200_000],
      recheckLadderMs: [5_000, 15_000, 30_000, 60_000, 300_000, 3_600_000, 21_600_000, 86_400_000],
      probe: null,
      statement: null,
    });
    expect(rules.routes.get('default')).toMatchObject({
      mode: 'dispatched',
      provider: 'acme',
      overdraft: { order: true, payment: true, payout: true },
      kinds: ['order', 'payout', 'payment'],
      retryInitialMs: 200,
      inquiryLadderMs: [0, 2000, 4000],
    });
    expect(rules.routes.get('import')).toMatchObject({
      mode: 'reported',
      provider: null,
      kinds: ['order'],
      inquiryLadderMs: [9000],
    });
    expect(rules.detection).toEqual({
      ...{ graceMs: 10, blindMsMax: 60_000, clockSkewMsMax: 1_000 },
      earlyWarning: {
        ...{ slipsMin: 200, falseAlarmEveryDays: 365, halfLifeMs: 21_600_000 },
        ...{ pauseShare: 0.1, slowerTimes: 2, lostShare: 0.05 },
      },
    });
  });

  it('let a draft live a day and remind an hour before, or not at all where it lives shorter', () => {
    const draft = (more: string) => {
      const { draftExpiresMs, draftRemindBeforeMs } = parse(good.replace('overdraft: true', more)).routes.get(
        'default',
      )!;
      return [draftExpiresMs, draftRemindBeforeMs];
    };
    expect(draft('overdraft: true')).toEqual([86_400_000, 3_600_000]);
    expect(draft('draft_expires_ms: 5000')).toEqual([5_000, 0]);
    expect(draft('draft_expires_ms: 5000\n    draft_remind_before_ms: 4999')).toEqual([5_000, 4_999]);
  });

  it('limit the stages before the outcome where they say so', () => {
    const stages = (more: string) =>
      parse(good.replace('overdraft: true', more)).routes.get('default')!.stages;
    expect(stages('overdraft: true')).toBeNull();
    expect(stages('stages: { submitted: { warn_ms: 500, act_ms: 1000 }, held: { act_ms: 4999 } }')).toEqual({
      ...{ submitted: { warnMs: 500, actMs: 1_000 }, held: { warnMs: 0, actMs: 4_999 } },
      ...{ review: null, dispatching: null, returned: null },
    });
    expect(stages('stages: { review: { warn_ms: 9000 }, returned: { warn_ms: 4999 } }')).toEqual({
      ...{ submitted: null, held: null, dispatching: null },
      ...{ review: { warnMs: 9_000, actMs: 0 }, returned: { warnMs: 4_999, actMs: 0 } },
    });
  });

  it('say how far accounts may go below zero, by kind of slip', () => {
    const overdraft = (text: string) =>
      parse(good.replace('overdraft: true', text)).routes.get('default')!.overdraft;
    const usual = { order: true, payment: true, payout: false };
    expect(parse(good).routes.get('import')!.overdraft).toEqual(usual);
    expect(overdraft('overdraft: false')).toEqual(usual);
    expect(overdraft('overdraft: { order: false }')).toEqual({ ...usual, order: false });
    expect(overdraft('overdraft: { payout: { EUR: "9223372036854775807", JPY: "1" } }')).toEqual({
      ...usual,
      payout: new Map([
        ['EUR', 9_223_372_036_854_775_807n],
        ['JPY', 1n],
      ]),
    });
  });

  it('say what people must approve, in minor units', () => {
    const review = (more: string) =>
      parse(good.replace('overdraft: true', `review: ${more}`)).routes.get('default')!.review;
    expect(parse(good).routes.get('default')!.review).toBeNull();
    expect(review('{}')).toEqual({
      ...{ kinds: ['payout'], fromAmount: null, secondPersonFrom: null, deadlineMs: 86_400_000 },
    });
    expect(
      review(
        '{ kinds: [order], from_amount: { EUR: "9223372036854775807" }, second_person_from: { JPY: "1" } }',
      ),
    ).toMatchObject({
      kinds: ['order'],
      fromAmount: new Map([['EUR', 9_223_372_036_854_775_807n]]),
      secondPersonFrom: new Map([['JPY', 1n]]),
    });
  });

  it('say how much each client may send, or nothing of it', () => {
    expect(parse(good).clients).toBeNull();
    const { clients } = parse(`${good}clients: { requests_max: 100, window_ms: 1000 }\n`);
    expect(clients).toEqual({ requestsMax: 100, windowMs: 1_000 });
    expect(problemsOf(`${good}clients: { requests_max: 0, window_ms: 1000 }\n`).join()).toContain(
      'clients.requests_max: must be >= 1',
    );
  });

  it('tell how a provider is asked, and whether its failures are its last word', () => {
    const more = 'visibility_delay_ms: 700, poll_ladder_ms: [], failures_final: false';
    const { providers } = parse(good.replace('answer_timeout_ms: 2500', `answer_timeout_ms: 2500, ${more}`));
    expect(providers.get('acme')).toMatchObject({
      visibilityDelayMs: 700,
      pollLadderMs: [],
      failuresFinal: false,
    });
  });

  it('tell when a statement is whole, and how it is asked whether it is there', () => {
    const withMore = (more: string) =>
      good.replace('answer_timeout_ms: 2500', `answer_timeout_ms: 2500, ${more}`);
    const told = (more: string) => parse(withMore(more)).providers.get('acme')!;
    expect(told('statement: { zone: Asia/Tokyo }').statement).toEqual({
      zone: 'Asia/Tokyo',
      availableAt: '01:00',
    });
    expect(told('statement: { zone: UTC, available_at: "23:59" }').statement).toMatchObject({
      availableAt: '23:59',
    });
    expect(told('probe: {}').probe).toEqual({ everyMs: 10_000, path: null });
    expect(told('probe: { every_ms: 100, path: /health }').probe).toEqual({ everyMs: 100, path: '/health' });
    expect(told('idempotent_by_reference: true').idempotentByReference).toBe(true);
    expect(told('cancel_by_reference: true').cancelByReference).toBe(true);
    const problem = (more: string) => problemsOf(withMore(more)).join('\n');
    expect(problem('statement: { zone: Asia/Atlantis }')).toContain(
      'providers.acme.statement.zone: Asia/Atlantis is no zone',
    );
    expect(problem('statement: { zone: UTC, available_at: "24:00" }')).toContain(
      'statement.available_at: must match',
    );
    expect(problem('statement: {}')).toContain('providers.acme.statement');
    expect(problem('probe: { every_ms: 99 }')).toContain('probe.every_ms: must be >= 100');
    expect(problem('probe: { path: health }')).toContain('probe.path: must match');
  });

  it('take the longest times that fit into an event', () => {
    const longest = good
      .replace('[0, 2000, 4000]', '[2147483647]\n    quiet_period_ms: 2147483647')
      .replace('grace_ms: 10', 'grace_ms: 2147483647');
    const { routes, detection } = parse(longest);
    expect(routes.get('default')).toMatchObject({ quietPeriodMs: 2147483647, inquiryLadderMs: [2147483647] });
    expect(detection.graceMs).toBe(2147483647);
  });

  it('name the providers of a route in the order of their priority, the first as its provider', () => {
    const two = good
      .replace(
        'providers:\n',
        'providers:\n  bolt: { base_url: "http://b", secret: "another-secret-of-ours" }\n',
      )
      .replace('outcome_deadline_ms: 5000', 'outcome_deadline_ms: 20000');
    const named = two.replace(
      'provider: acme',
      'providers: [{ id: bolt, priority: 2, weight: 3 }, { id: acme }]',
    );
    expect(parse(named).routes.get('default')).toMatchObject({
      provider: 'acme',
      providers: [
        { id: 'acme', priority: 1, weight: 1 },
        { id: 'bolt', priority: 2, weight: 3 },
      ],
    });
    const { routes } = parse(good);
    expect(routes.get('default')?.providers).toEqual([{ id: 'acme', priority: 1, weight: 1 }]);
    expect(routes.get('import')?.providers).toEqual([]);
  });

  it('cannot be changed', () => {
    const { routes, providers } = parse(good);
    expect(() => (routes as Map<string, unknown>).set('x', {})).toThrow('cannot be changed');
    expect(() => (routes as Map<string, unknown>).clear()).toThrow('cannot be changed');
    expect(Object.isFrozen(providers.get('acme')?.secrets)).toBe(true);
    expect(Object.isFrozen(routes.get('default')?.inquiryLadderMs)).toBe(true);
  });

  it('have a digest of their content: layout, comments and secrets do not count', () => {
    const { digest } = parse(good);
    expect(digest).toMatch(/^[0-9a-f]{64}$/);
    expect(parse(`# a comment\n${good}`, { ...environment, ACME_SECRET: `${secret}2` }).digest).toBe(digest);
    expect(parse(good.replace('grace_ms: 10', 'grace_ms: 11')).digest).not.toBe(digest);
  });

  it('take a doubled dollar as plain text', () => {
    const rules = parse(good.replace(`"\${ACME_SECRET}"`, () => `"$\${ACME_SECRET} and more text"`));
    expect(rules.providers.get('acme')?.secrets.current).toBe(`\${ACME_SECRET} and more text`);
  });

  it('keep both secrets during a rotation', () => {
    const rules = parse(good.replace('secret:', 'secret_next: "the-next-secret-value", secret:'));
    expect(rules.providers.get('acme')?.secrets).toEqual({ current: secret, next: 'the-next-secret-value' });
  });
});

describe('bad rules', () => {
  const at = (from: string, to: string, env?: Record<string, string>) =>
    problemsOf(good.replace(from, to), env);

  it('name file, line, column and reason for every problem, in the order of the file', () => {
    const text = good.replace('connect_timeout_ms: 500', 'connect_timeout: 500').replace('5000', '-1');
    expect(problemsOf(text)).toEqual([
      'slipstream.config.yaml:3:62: providers.acme.connect_timeout: unknown key',
      'slipstream.config.yaml:8:26: routes.default.outcome_deadline_ms: must be >= 1',
    ]);
  });

  it.each([
    [
      'a missing variable',
      at('', '', { ACME_URL: 'http://a' }),
      '3:44: environment variable ACME_SECRET is not set',
    ],
    [
      'an empty variable',
      at('', '', { ...environment, ACME_SECRET: '' }),
      '3:44: environment variable ACME_SECRET',
    ],
    ['a malformed variable', at(`"\${ACME_URL}"`, `"\${acme}"`), `3:21: \${acme} is not a variable`],
    ['an open variable', at(`"\${ACME_URL}"`, `"\${ACME_URL"`), `3:21: \${ACME_URL is not a variable`],
    [
      'a provider that is not there',
      at('provider: acme', 'provider: umbrella'),
      '7:15: routes.default.provider: no provider',
    ],
    [
      'a prototype as provider',
      at('provider: acme', 'provider: toString'),
      '7:15: routes.default.provider: no provider',
    ],
    [
      'dispatched without provider',
      at('provider: acme', 'provider: null'),
      '7:15: routes.default.provider: a dispatched',
    ],
    [
      'one of several providers that is not there',
      at('provider: acme', 'providers: [{ id: acme }, { id: umbrella }]'),
      '7:37: routes.default.providers.1.id: no provider is named umbrella',
    ],
    [
      'a provider that is named twice',
      at('provider: acme', 'providers: [{ id: acme }, { id: acme }]'),
      '7:37: routes.default.providers.1.id: acme is named twice',
    ],
    [
      'a provider beside providers',
      at('provider: acme', 'provider: acme\n    providers: [{ id: acme }]'),
      '7:5: routes.default.provider: a route names either provider or providers',
    ],
    [
      'a weight of nothing',
      at('provider: acme', 'providers: [{ id: acme, weight: 0 }]'),
      'routes.default.providers.0.weight: must be >= 1',
    ],
    [
      'reported with providers',
      at('provider: null', 'providers: [{ id: acme }]'),
      'routes.import.providers: a reported route has no providers',
    ],
    [
      'reported with a provider',
      at('provider: null', 'provider: acme'),
      '11:39: routes.import.provider: a reported route',
    ],
    [
      'a deadline that a call may outlast',
      at('5000', '2999'),
      '8:26: routes.default.outcome_deadline_ms: 2999 ms is less than the 3000 ms (connect_timeout_ms 500 + answer_timeout_ms 2500) that a call to provider acme may take',
    ],
    [
      'a deadline that a call with the default limits may outlast',
      at(', answer_timeout_ms: 2500', ''),
      'outcome_deadline_ms: 5000 ms is less than the 10500 ms (connect_timeout_ms 500 + answer_timeout_ms 10000)',
    ],
    [
      'a quiet period on a reported route',
      at('kinds:', 'quiet_period_ms: 5, kinds:'),
      'has no effect on a reported route',
    ],
    [
      'a ladder that falls',
      at('2000, 4000', '4000, 2000'),
      '10:34: routes.default.inquiry_ladder_ms.2: must be more',
    ],
    [
      'a ladder that falls on a reported route',
      at('[9000]', '[9000, 9000]'),
      'routes.import.inquiry_ladder_ms.1: must be more',
    ],
    [
      'a poll ladder that falls',
      at('answer_timeout_ms: 2500', 'answer_timeout_ms: 2500, poll_ladder_ms: [5, 5]'),
      'providers.acme.poll_ladder_ms.1: must be more than the step before it',
    ],
    [
      'a ladder of 21 steps',
      at('[0, 2000, 4000]', JSON.stringify([...Array(21).keys()])),
      'must NOT have more than 20 items',
    ],
    ['another kind', at('[order]', '[order, gift]'), 'must be one of order, payout, payment'],
    [
      'a number as text',
      at('outcome_deadline_ms: 5000', 'outcome_deadline_ms: "5000"'),
      '8:26: routes.default.outcome_deadline_ms: must be integer',
    ],
    [
      'a quiet period that no event can carry',
      at('overdraft: true', 'quiet_period_ms: 2147483648'),
      '9:22: routes.default.quiet_period_ms: must be <= 2147483647',
    ],
    [
      'an inquiry that no event can carry',
      at('4000]', '2147483648]'),
      '10:34: routes.default.inquiry_ladder_ms.2: must be <= 2147483647',
    ],
    [
      'a grace that no event can carry',
      at('grace_ms: 10', 'grace_ms: 2147483648'),
      '12:24: detection.grace_ms: must be <= 2147483647',
    ],
    ['a fraction of a millisecond', at('5000', '0.5'), 'must be integer'],
    ['a missing key', at('mode: dispatched\n', '\n'), 'routes.default: missing key mode'],
    ['an upper-case name', at('default:', 'Default:'), '5:3: routes.Default: not a name'],
    ['another version', at('version: 1', 'version: 2'), '1:10: version: must be 1'],
    [
      'a provider address with a password',
      at('', '', { ...environment, ACME_URL: 'http://u:p@h' }),
      'providers.acme.base_url: must be an http(s) URL',
    ],
    ['another scheme', at('', '', { ...environment, ACME_URL: 'file:///etc' }), 'must be an http(s) URL'],
    [
      'a short secret',
      at('', '', { ...environment, ACME_SECRET: 'short' }),
      'must NOT have fewer than 16 characters',
    ],
    [
      'a reminder that comes before its draft',
      at('overdraft: true', 'draft_expires_ms: 5000\n    draft_remind_before_ms: 5000'),
      '10:29: routes.default.draft_remind_before_ms: must be less than draft_expires_ms, which is 5000',
    ],
    [
      'a stage that may take longer than the slip',
      at('overdraft: true', 'stages: { held: { act_ms: 5000 } }'),
      'routes.default.stages.held.act_ms: must be less than outcome_deadline_ms',
    ],
    [
      'a warning that comes too late',
      at('overdraft: true', 'stages: { held: { warn_ms: 2000, act_ms: 2000 } }'),
      'routes.default.stages.held.warn_ms: must be less than act_ms',
    ],
    [
      'a warning of what its deadline has ended',
      at('overdraft: true', 'stages: { returned: { warn_ms: 5000 } }'),
      'routes.default.stages.returned.warn_ms: must be less than outcome_deadline_ms',
    ],
    [
      'a warning of a review that is over',
      at('overdraft: true', 'stages: { review: { warn_ms: 9 } }\n    review: { deadline_ms: 9 }'),
      'routes.default.stages.review.warn_ms: must be less than review.deadline_ms',
    ],
    [
      'a stage that a reported route does not have',
      at('kinds: [order]', 'kinds: [order], stages: { held: { act_ms: 9 } }'),
      'routes.import.stages.held: a reported route dispatches nothing',
    ],
    [
      'a review of what the route does not take',
      at('kinds: [order]', 'kinds: [order], review: { kinds: [order, payout] }'),
      'routes.import.review.kinds.1: the route takes no payout',
    ],
    [
      'an overdraft of what the route does not take',
      at('kinds: [order]', 'kinds: [order], overdraft: { payout: true }'),
      'routes.import.overdraft.payout: the route takes no payout',
    ],
    [
      'an overdraft of no kind of slip',
      at('overdraft: true', 'overdraft: { refund: true }'),
      '9:18: routes.default.overdraft.refund: unknown key',
    ],
    [
      'an overdraft of no size',
      at('overdraft: true', 'overdraft: { payout: "1000" }'),
      'routes.default.overdraft.payout: must be boolean,object',
    ],
    [
      'an overdraft in no currency',
      at('overdraft: true', 'overdraft: { payout: { XXX: "1" } }'),
      'routes.default.overdraft.payout.XXX: not the ISO 4217 code of a currency in use',
    ],
    [
      'an overdraft with a sign',
      at('overdraft: true', 'overdraft: { payout: { EUR: "-1" } }'),
      'routes.default.overdraft.payout.EUR: must match pattern',
    ],
    [
      'an amount in no currency',
      at('overdraft: true', 'review: { from_amount: { EUR: "1", XXX: "1" } }'),
      '9:40: routes.default.review.from_amount.XXX: not the ISO 4217 code of a currency in use',
    ],
    [
      'a threshold of nothing',
      at('overdraft: true', 'review: { second_person_from: { EUR: "0" } }'),
      'routes.default.review.second_person_from.EUR: must match pattern',
    ],
    [
      'an amount that is no text',
      at('overdraft: true', 'review: { from_amount: { EUR: 1 } }'),
      'routes.default.review.from_amount.EUR: must be string',
    ],
    [
      'an amount beyond what can be on the wire',
      at('overdraft: true', 'review: { from_amount: { EUR: "9223372036854775808" } }'),
      'routes.default.review.from_amount.EUR: must be at most 9223372036854775807',
    ],
    [
      'a review without an amount where one is named',
      at('overdraft: true', 'review: { from_amount: {} }'),
      'must NOT have fewer than 1 properties',
    ],
    [
      'a review that ends beyond a year',
      at('overdraft: true', 'review: { deadline_ms: 31536000000 }'),
      '9:28: routes.default.review.deadline_ms: together with outcome_deadline_ms it must be at most',
    ],
    [
      'retries that start above their limit',
      at('overdraft: true', 'retry_initial_ms: 10\n    retry_max_ms: 5'),
      'must not be more than retry_max_ms',
    ],
    ['a key given twice', at('provider: acme', 'mode: dispatched'), '7:5: Map keys must be unique'],
    ['a tab as indent', at('    provider', '\tprovider'), '7:'],
    ['another tag', at('mode: dispatched', 'mode: !!js/function dispatched'), '6:11: Unresolved tag'],
    ['a second document', at('detection:', '---\ndetection:'), '12:1: Source contains multiple documents'],
    ['an open quote', at('mode: dispatched', 'mode: "dispatched'), 'slipstream.config.yaml:'],
    ['an empty file', problemsOf(''), '1:1: must be object'],
    ['a list', problemsOf('- 1'), '1:1: must be object'],
    ['an alias without an anchor', at('provider: acme', 'provider: *nobody'), 'Unresolved alias'],
  ])('tell %s', (_, problems, expected) => {
    expect(problems.length).toBeGreaterThan(0);
    expect(problems.join('\n')).toContain(expected);
    expect(problems.every((problem) => /^slipstream\.config\.yaml:\d+:\d+: /.test(problem))).toBe(true);
  });

  it('never show a secret', () => {
    const shown = at('provider: acme', 'provider: umbrella').join('\n');
    expect(shown).not.toContain(secret);
  });

  it('tell a bomb of aliases', () => {
    const levels = [...Array(9).keys()].map(
      (n) => `a${n + 1}: &a${n + 1} [${Array(9).fill(`*a${n}`).join(', ')}]`,
    );
    expect(problemsOf(['a0: &a0 [x]', ...levels].join('\n')).join()).toContain('Excessive alias count');
  });
});

describe('rules about accounts and payments', () => {
  const more = `clients: { requests_max: 100, window_ms: 1000 }
accounts: { open_on_first_use: false }
duplicates: { window_ms: 60000 }
limits:
  hourly: { kinds: [payout], routes: [default], window_ms: 3600000, count_max: 10, amount_max: { EUR: "500000" } }
payments:
  payouts:
    kinds: [payout]
    methods: [sepa, card]
    currencies: [EUR, USD]
    amount_min: { EUR: "100" }
    amount_max: { EUR: "9223372036854775807" }
    required: [amount, metadata.iban]
    cut_off: { zone: Europe/Berlin, days: [mon, fri], until: "17:00" }
`;
  const at = (from: string, to: string) => problemsOf(`${good}${more.replace(from, to)}`).join('\n');

  it('are read with defaults for what is left out', () => {
    const { clients, accounts, duplicates, limits, payments } = parse(`${good}${more}`);
    expect(clients).toEqual({ requestsMax: 100, windowMs: 1_000 });
    expect([accounts, duplicates]).toEqual([{ openOnFirstUse: false }, { windowMs: 60_000, reviewMs: null }]);
    expect(limits.get('hourly')).toEqual({
      ...{ name: 'hourly', kinds: ['payout'], routes: ['default'], windowMs: 3_600_000, countMax: 10 },
      amountMax: new Map([['EUR', 500_000n]]),
    });
    expect(payments.get('payouts')).toEqual({
      ...{ name: 'payouts', kinds: ['payout'], routes: null, methods: ['sepa', 'card'] },
      ...{ currencies: ['EUR', 'USD'], required: ['amount', 'metadata.iban'] },
      ...{ amountMin: new Map([['EUR', 100n]]), amountMax: new Map([['EUR', 9_223_372_036_854_775_807n]]) },
      cutOff: { zone: 'Europe/Berlin', days: ['mon', 'fri'], from: '00:00', until: '17:00' },
    });
    const reviewed = (more: string) =>
      parse(`${good}duplicates: { window_ms: 60000, action: review${more} }`).duplicates.reviewMs;
    expect([reviewed(''), reviewed(', review_deadline_ms: 5000')]).toEqual([86_400_000, 5_000]);
    const none = parse(good);
    expect([none.accounts.openOnFirstUse, none.duplicates.windowMs]).toEqual([true, 0]);
    expect([none.limits.size, none.payments.size, none.clients]).toEqual([0, 0, null]);
  });

  it.each([
    [
      'a limit on nothing',
      ', count_max: 10, amount_max: { EUR: "500000" }',
      '',
      'limits.hourly: a limit needs count_max',
    ],
    ['a limit on no route', '[default]', '[defualt]', 'limits.hourly.routes.0: no route is named defualt'],
    [
      'a limit in no currency',
      'EUR: "500000"',
      'EUX: "1"',
      'limits.hourly.amount_max.EUX: not the ISO 4217 code',
    ],
    ['an amount that is a number', '"500000"', '500000', 'limits.hourly.amount_max.EUR: must be string'],
    ['an amount beyond any slip', '"500000"', '"9223372036854775808"', 'must be at most 9223372036854775807'],
    [
      'a rule that allows everything',
      more.slice(more.indexOf('    methods')),
      '',
      'payments.payouts: a payment rule that allows',
    ],
    [
      'a currency that is none',
      '[EUR, USD]',
      '[EUR, EUX]',
      'payments.payouts.currencies.1: not the ISO 4217 code',
    ],
    [
      'a least amount above the greatest',
      '{ EUR: "9223372036854775807" }',
      '{ EUR: "99" }',
      'payments.payouts.amount_min.EUR: must not be more',
    ],
    [
      'a zone that is none',
      'Europe/Berlin',
      'Europe/Atlantis',
      'payments.payouts.cut_off.zone: Europe/Atlantis is no zone',
    ],
    [
      'a day that ends before it begins',
      'until: "17:00"',
      'from: "17:00", until: "09:00"',
      'cut_off.until: must be later than from 17:00',
    ],
    ['a field that no slip has', 'metadata.iban', 'iban', 'payments.payouts.required.1: must match'],
    [
      'a route that nothing can take',
      'payments:\n',
      'payments:\n  dollars: { kinds: [payout], currencies: [JPY] }\n',
      '5:3: routes.default: takes no payout: the payment rules dollars and payouts have no currencies in common',
    ],
  ])('tell %s', (_, from, to, expected) => {
    expect(more).toContain(from);
    expect(at(from, to)).toContain(expected);
  });
});

describe('the rules file', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'rules-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('is read from disk', () => {
    const file = join(folder, 'good.yaml');
    writeFileSync(file, good);
    expect(loadRules(file, environment).routes.size).toBe(2);
  });

  it('that is not there is a clear error', () => {
    expect(() => loadRules(join(folder, 'none.yaml'), {})).toThrow(/cannot be read:\n.*none\.yaml: ENOENT/);
  });

  it('that is too large is refused', () => {
    const file = join(folder, 'large.yaml');
    writeFileSync(file, Buffer.alloc(1_048_577, '#'));
    expect(() => loadRules(file, {})).toThrow('larger than 1048576 bytes');
  });
});

describe('rules about statements', () => {
  const csv = (more: string) =>
    `statements:\n  s:\n    provider: acme\n    format: csv\n    csv: { date: Day, amount: Net, currency: EUR${more} }\n`;

  it('says how a source is read and matched, with its defaults', () => {
    const more = csv(', kind: Type, kinds: { Fee: fee }, balances: { EUR: { opening: "0", closing: "-5" } }');
    expect(parse(`${good}${more}`).statements.get('s')).toMatchObject({
      ...{ provider: 'acme', format: 'csv', encoding: 'utf-8', daysMax: 3 },
      csv: {
        ...{ amount: { column: 'Net' }, currency: { value: 'EUR' }, delimiter: ',', unit: 'major' },
        balances: new Map([['EUR', { opening: 0n, closing: -5n }]]),
      },
    });
  });

  it('says what codes of a bank mean', () => {
    const mt940 = 'statements:\n  s: { provider: acme, format: mt940, codes: { N077: fee } }\n';
    expect(parse(`${good}${mt940}`).statements.get('s')!.codes).toEqual(new Map([['N077', 'fee']]));
  });

  it.each([
    [csv(', credit: In'), 'statements.s.csv: credit and debit belong together'],
    [csv(', currency_column: Ccy'), 'statements.s.csv: needs currency_column or currency'],
    [csv(', kind: Type'), 'statements.s.csv: kind and kinds belong together'],
    [csv(', order: newest_first'), 'statements.s.csv.order: needs balance'],
    [csv(', thousands: "."'), 'statements.s.csv.thousands: is the decimal, too'],
    [
      'statements:\n  s: { provider: nobody, format: mt940 }\n',
      'statements.s.provider: no provider is named nobody',
    ],
    ['statements:\n  s: { provider: acme, format: csv }\n', 'statements.s: the format csv needs csv'],
    [
      'statements:\n  s: { provider: acme, format: ndjson, codes: { N077: fee } }\n',
      'statements.s.codes: says nothing about the format ndjson',
    ],
  ])('refuses %j', (more, problem) => {
    expect(() => parse(`${good}${more}`)).toThrow(problem);
  });
});
