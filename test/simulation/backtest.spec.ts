import { describe, expect, test } from '@jest/globals';
import { verdictId } from '@slipstream/contracts';
import { addMs, type Instant, type SeededRandom, seededRandom } from '@slipstream/kernel';
import { circuitWindow } from '@slipstream/rules';
import type { PendingEvent, RecordedEvent, SlipPolicy } from '@slipstream/slip';
import type {
  InquiryOutcome,
  ProviderAnswer,
} from '../../services/provider-gateway/src/domain/provider/answer.ts';
import { Backtest } from '../../services/reconciliation/src/application/backtest/backtest.ts';
import type { Course } from '../../services/reconciliation/src/application/backtest/course.ts';
import type {
  RouteTerms,
  TermsOfRules,
} from '../../services/reconciliation/src/application/backtest/other-terms.ts';
import { asItWas, rerun } from '../../services/reconciliation/src/application/backtest/rerun.ts';
import type { ReturnsSettings } from '../../services/reconciliation/src/domain/returns/settings.ts';
import { Gateway, Ledger, Reconciler } from './services.ts';
import { submitted } from './world.ts';

/** What a provider does with a slip, whatever anybody asks. Milliseconds after the submission. */
interface Script {
  readonly answersCall: boolean;
  /** null: never. */
  readonly executedMs: number | null;
  readonly outcome: 'succeeded' | 'failed';
  /** When it tells so by itself; null: its callback is lost. */
  readonly tellsMs: number | null;
}

const start: Instant = '2026-11-22T10:00:00.000000Z';
const until = addMs(start, 600_000);
const policy: SlipPolicy = { graceMs: 0, quietPeriodMs: 1_000, inquiryLadderMs: [0, 2_000, 5_000] };
const rules: RouteTerms = { outcomeDeadlineMs: 20_000, policy };
/** As the gateway of this world has it. */
const notFoundCountsAfterMs = 1_000;

function scripted(random: SeededRandom): Script {
  const executedMs = random.chance(0.75) ? 100 + random.integer(0, 30_000) : null;
  const tells = executedMs !== null && random.chance(0.7);
  return {
    answersCall: random.chance(0.5),
    executedMs,
    outcome: random.chance(0.8) ? 'succeeded' : 'failed',
    tellsMs: tells ? executedMs! + random.integer(1, 8_000) : null,
  };
}

/** The life of a slip to its end: every service reads at once, and the reconciler looks when something is due. */
function live(
  slipId: string,
  script: Script,
  { outcomeDeadlineMs, policy }: RouteTerms,
  boundMs: number | null = notFoundCountsAfterMs,
): RecordedEvent[] {
  const log: RecordedEvent[] = [];
  const gateway = new Gateway(boundMs);
  const ledger = new Ledger();
  let ids = 0;
  const reconciler = new Reconciler({ newId: () => `${slipId}-${++ids}`, overdueId: verdictId });
  const deadline = addMs(start, outcomeDeadlineMs);
  const at = (ms: number) => addMs(start, ms);
  const speaks = (now: Instant): ProviderAnswer | null => {
    const { executedMs, outcome } = script;
    const words = { providerReference: 'p', providerTime: executedMs === null ? null : at(executedMs) };
    if (executedMs === null) return null;
    if (at(executedMs) > now) return { kind: 'acknowledged', ...words, providerTime: null };
    return { kind: 'returned', outcome, reason: null, amount: null, ...words };
  };
  const readers: [string, (recorded: RecordedEvent, now: Instant) => readonly PendingEvent[]][] = [
    ['/slipstream/ledger', (recorded) => ledger.read(recorded)],
    ['/slipstream/provider-gateway', (recorded, now) => gateway.read(recorded, now)],
    ['/slipstream/reconciliation', (recorded) => reconciler.read(recorded)],
  ];
  let read = 0;
  const append = (source: string, now: Instant, events: readonly PendingEvent[]) => {
    for (const { id, event, receivedAt } of events) {
      const sequence = BigInt(log.length + 1);
      const place = { id: id ?? `${slipId}-${sequence}`, slipId, source, sequence, clock: 'wall' };
      log.push({ ...place, time: now, receivedTime: receivedAt ?? now, event });
    }
  };
  const publish = (source: string, now: Instant, events: readonly PendingEvent[]) => {
    append(source, now, events);
    while (read < log.length) {
      const recorded = log[read++]!;
      // Gateway and reconciler folded their own when they decided them.
      for (const [name, reads] of readers) {
        if (name !== recorded.source || name === '/slipstream/ledger')
          append(name, now, reads(recorded, now));
      }
      if (recorded.event.type === 'InquiryRequested') ask(now);
    }
  };
  const ask = (now: Instant) => {
    const answer = speaks(now);
    const denied = { kind: 'not_found', raw: { status: 404, body: Buffer.from('{}') } } as const;
    const outcome: InquiryOutcome = answer === null ? denied : { kind: 'answered', answer };
    publish('/slipstream/provider-gateway', now, gateway.inquire(outcome, now));
  };
  const place = { slipId, partition: 0, clock: 'wall', receivedAt: null };
  publish('/slipstream/intake', start, [
    { ...place, event: submitted({ deadline, policy, configDigest: 'old' }) },
  ]);
  const turns: [Instant, (now: Instant) => void][] = [
    [at(50), (now) => publish('/slipstream/provider-gateway', now, gateway.intend(now))],
    [
      at(100),
      (now) => {
        const answer: ProviderAnswer = { kind: 'acknowledged', providerReference: 'p', providerTime: null };
        const outcome = script.answersCall
          ? ({ kind: 'answered', answer } as const)
          : ({ kind: 'unanswered', reason: 'timeout', detail: '' } as const);
        publish('/slipstream/provider-gateway', now, gateway.callEnds(outcome, now));
      },
    ],
    [
      addMs(deadline, policy.graceMs + 1),
      (now) =>
        publish('/slipstream/reconciliation', now, reconciler.decide({ type: 'deadline_judged' }, now)),
    ],
  ];
  if (script.tellsMs !== null) {
    turns.push([
      at(script.tellsMs),
      (now) => publish('/slipstream/provider-gateway', now, gateway.hear(speaks(now)!, now)),
    ]);
  }
  for (;;) {
    turns.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    const [turn = null, step, askAt] = [turns[0]?.[0], reconciler.slip?.nextStep?.at ?? null, gateway.askAt];
    const first = [turn, step, askAt].filter((at) => at !== null).toSorted()[0];
    if (first === undefined) return log;
    if (first === turn) turns.shift()![1](first);
    else if (first === askAt) ask(first);
    else publish('/slipstream/reconciliation', first, reconciler.decide({ type: 'step_due' }, first));
  }
}

const seed = Number(process.env.SEED ?? 20261127);
const scripts = (() => {
  const random = seededRandom(seed);
  return Array.from({ length: 1_000 }, () => scripted(random));
})();
const termsOf = (digest: string, route: RouteTerms | null, boundMs: number | null): TermsOfRules => ({
  digest,
  routes: new Map(route === null ? [] : [['default', route]]),
  providers: new Map([['acme', { circuitOpenMs: 5_000, notFoundCountsAfterMs: boundMs }]]),
});
const asTheyWere = {
  shiftMs: 0,
  notFoundCountsAfterMs: { was: notFoundCountsAfterMs, would: notFoundCountsAfterMs },
  unknown: null,
};
let ids = 0;
const around = { ids: { newId: () => `r-${++ids}`, overdueId: verdictId }, until };

function backtest(
  logs: readonly RecordedEvent[][],
  to: RouteTerms | null,
  thresholds: Partial<ReturnsSettings> = {},
  end = until,
  bound: Bound = asTheyWere.notFoundCountsAfterMs,
  clock = 'wall',
) {
  const settings = {
    ...{ slipsMin: 100, falseAlarmEveryDays: 3_650, halfLifeMs: 3_600_000 },
    ...{ pauseShare: 0.1, slowerTimes: 2, lostShare: 0.05, ...thresholds },
  };
  const test = new Backtest(
    {
      were: [termsOf('old', rules, bound.was)],
      other: termsOf('new', to, bound.would),
      earlyWarning: settings,
      circuitWindow,
    },
    { clock, from: null, to: null, until: end },
    around.ids,
  );
  for (const log of logs) test.add(log);
  return test.report();
}

console.log(`seed ${seed}`);
const recorded = scripts.map((script, i) => live(`slip-${i}`, script, rules));

describe('a backtest', () => {
  test('under the rules as they were gives what happened', () => {
    const { routes, circuits, verdictsDiffer, unknownRules } = backtest(recorded, rules);
    expect([verdictsDiffer, unknownRules]).toEqual([0, 0]);
    const [route] = routes;
    expect(route).toMatchObject({ slips: scripts.length, changed: 0, open: 0, assumed: 0 });
    expect(route!.would).toEqual(route!.was);
    // Else it says nothing.
    const { refundsContradicted, ...counts } = route!.was;
    for (const count of Object.values(counts)) expect(count).toBeGreaterThan(50);
    expect(refundsContradicted).toBe(0);
    expect(circuits).toMatchObject([{ provider: 'acme', madeWhileOpen: 0, assumed: 0 }]);
    for (const { was, would } of circuits) expect(would).toEqual(was);
    expect(route!.refunds).toMatchObject({
      same: route!.was.refunds,
      earlier: 0,
      later: 0,
      onlyWas: 0,
      onlyWould: 0,
    });
  });

  test.each<[string, (verdict: RecordedEvent) => Partial<RecordedEvent> | null]>([
    ['is not there', () => null],
    ['has another id', () => ({ id: 'another' })],
    ['was received at another time', ({ time }) => ({ receivedTime: time })],
    [
      'names another deadline',
      ({ time }) => ({ event: { type: 'SlipOverdue', data: { stage: 'returned', deadline: time } } }),
    ],
  ])('finds a verdict that %s', (_, altered) => {
    const log = recorded.find((one) => one.some(({ event }) => event.type === 'SlipOverdue'))!;
    const logs = log.flatMap((one) => {
      if (one.event.type !== 'SlipOverdue') return one;
      const other = altered(one);
      return other === null ? [] : { ...one, ...other };
    });
    expect(backtest([log], rules).verdictsDiffer).toBe(0);
    expect(backtest([logs], rules).verdictsDiffer).toBe(1);
  });

  test('lives a slip again as it was, decision by decision', () => {
    for (const log of recorded) {
      const again = rerun(log, { ...asTheyWere, policy: null }, around);
      expect(again.course).toEqual(asItWas(log).course);
    }
  });

  test.each<[string, RouteTerms]>([
    ['half the deadline', { ...rules, outcomeDeadlineMs: 10_000 }],
    ['a quarter of it', { ...rules, outcomeDeadlineMs: 5_000 }],
    ['a shorter ladder', { ...rules, policy: { ...policy, inquiryLadderMs: [0] } }],
    [
      'half the deadline, and a ladder as it was',
      { outcomeDeadlineMs: 10_000, policy: { ...policy, quietPeriodMs: 3_000, graceMs: 500 } },
    ],
    ['a shorter quiet period', { ...rules, policy: { ...policy, quietPeriodMs: 500 } }],
  ])('under %s gives exactly what a run under it gives', (_, other) => expectSame(scripts, other));

  test.each<[string, RouteTerms]>([
    ['twice the deadline', { ...rules, outcomeDeadlineMs: 40_000 }],
    ['a longer quiet period', { ...rules, policy: { ...policy, quietPeriodMs: 4_000 } }],
    ['a later ladder', { ...rules, policy: { ...policy, inquiryLadderMs: [1_000, 9_000] } }],
    [
      'a longer ladder',
      { ...rules, policy: { ...policy, inquiryLadderMs: [0, 1_000, 2_000, 5_000, 9_000] } },
    ],
  ])('under %s gives exactly that as far as the log can know it', (_, other) =>
    expectSame(scripts.filter(isKnowable), other),
  );

  test.each<[string, number | null, number | null, Partial<SlipPolicy>]>([
    ['half the bound', 1_000, 500, {}],
    ['twice the bound', 1_000, 2_000, {}],
    ['a bound behind the deadline', 1_000, 21_000, {}],
    ['no bound', 1_000, null, {}],
    ['a bound where there was none', null, 1_000, {}],
    ['twice the bound and half the quiet period', 1_000, 2_000, { quietPeriodMs: 500 }],
  ])('under %s gives exactly that, too', (_, was, would, more) => {
    // Nor was a callback kept back by the gateway's own question.
    const asked = 551 + (was ?? Number.POSITIVE_INFINITY);
    const lived = scripts
      .slice(0, 400)
      .filter(isKnowable)
      .filter(
        (one) => one.answersCall || one.tellsMs === null || one.executedMs! > asked || one.tellsMs < asked,
      );
    expectSame(lived, { ...rules, policy: { ...policy, ...more } }, { was, would });
  });

  test('tells of slips that took a route which the other rules do not have, and leaves them', () => {
    const logs = recorded.slice(0, 10);
    const { routes, unknownRoutes, unknownRules } = backtest(logs, null);
    expect([unknownRoutes, unknownRules]).toEqual([10, 0]);
    expect(routes).toMatchObject([{ slips: 10, changed: 0 }]);
  });
});

test('a slip whose other deadline lies behind the end of the log is left out, though it missed the old one', () => {
  const script: Script = { answersCall: true, executedMs: 25_000, outcome: 'succeeded', tellsMs: 25_000 };
  const log = live('slip-1', script, rules);
  const end = addMs(start, 21_000);
  const known = log.filter(({ time }) => time <= end);
  expect(asItWas(known).course.overdue).toBe(true);
  const routeTo = (outcomeDeadlineMs: number) =>
    backtest([known], { ...rules, outcomeDeadlineMs }, {}, end).routes[0];
  expect(routeTo(40_000)).toMatchObject({ slips: 0, open: 1 });
  expect(routeTo(20_500)).toMatchObject({ slips: 1, open: 0, would: { overdue: 1 } });
});

/** From when a NOT_FOUND counts, under the one rules and the others. */
interface Bound {
  readonly was: number | null;
  readonly would: number | null;
}

function expectSame(
  lived: readonly Script[],
  other: RouteTerms,
  bound: Bound = asTheyWere.notFoundCountsAfterMs,
): void {
  const shiftMs = other.outcomeDeadlineMs - rules.outcomeDeadlineMs;
  const terms = { shiftMs, policy: other.policy, notFoundCountsAfterMs: bound, unknown: null };
  const logs = lived.map((script, i) => live(`slip-${i}`, script, rules, bound.was));
  const ran = lived.map((script, i) => live(`slip-${i}`, script, other, bound.would));
  for (const [i, log] of logs.entries()) {
    const would = told(rerun(log, terms, around).course);
    expect([i, lived[i], would]).toEqual([i, lived[i], told(asItWas(ran[i]!).course)]);
  }
  const [route] = backtest(logs, other, {}, until, bound).routes;
  expect(route).toMatchObject({ changed: lived.length, open: 0 });
  const sum = (of: (course: Course) => number) =>
    ran.reduce((total, log) => total + of(asItWas(log).course), 0);
  expect(route!.would).toMatchObject({
    overdue: sum(({ overdue }) => (overdue ? 1 : 0)),
    inquiries: sum(({ inquiries }) => inquiries),
    refunds: sum(({ refundAt }) => (refundAt === null ? 0 : 1)),
    cases: sum(({ caseOpened }) => (caseOpened ? 1 : 0)),
  });
}

/** When it was answered is told by the truth. */
function told({ answeredAt: _, succeeded: __, ...course }: Course) {
  return course;
}

/** Everything that the provider did came to be known: no callback was kept back by an answer, and nothing was done in silence. */
function isKnowable({ executedMs, tellsMs }: Script): boolean {
  if (executedMs === null) return true;
  const asked = policy.inquiryLadderMs.map((ms) => rules.outcomeDeadlineMs + 1 + ms);
  if (tellsMs === null) return executedMs <= asked.at(-1)!;
  return !asked.some((ms) => executedMs <= ms && ms <= tellsMs);
}

describe('warnings', () => {
  /** Ten slips a second; of those of twenty seconds nothing comes back. */
  const lives = scripts.map((script, i) => {
    const isLost = i >= 600 && i < 800;
    const one = live(`slip-${i}`, { ...script, executedMs: 500, tellsMs: isLost ? null : 800 }, rules);
    const shift = (time: Instant) => addMs(time, i * 100);
    return one.map((recorded): RecordedEvent => {
      const { event } = recorded;
      const data =
        event.type === 'SlipSubmitted' ? { ...event.data, deadline: shift(event.data.deadline) } : event.data;
      const times = { time: shift(recorded.time), receivedTime: shift(recorded.receivedTime) };
      return { ...recorded, ...times, event: { ...event, data } as RecordedEvent['event'] };
    });
  });

  test('come where too little comes back, and by other thresholds they do not', () => {
    const { warnings } = backtest(lives, rules);
    expect(warnings).toMatchObject([{ provider: 'acme', route: 'default' }]);
    const [{ foundAt, firstDeadline }] = warnings as [(typeof warnings)[number]];
    expect(foundAt > addMs(start, 60_000) && foundAt < firstDeadline).toBe(true);
    expect(backtest(lives, rules, { slipsMin: 1_000_000 }).warnings).toEqual([]);
  });
});

describe('an import', () => {
  const closesAt = addMs(start, 60_000);
  /** Read long after it happened: what counts is its own clock. */
  const imported = (slipId: string, answeredMs: number | null, { outcomeDeadlineMs, policy }: RouteTerms) => {
    const log: RecordedEvent[] = [];
    let ids = 0;
    const reconciler = new Reconciler({ newId: () => `${slipId}-${++ids}`, overdueId: verdictId });
    const append = (source: string, events: readonly PendingEvent[]) => {
      for (const { id, event, receivedAt } of events) {
        const place = { id: id ?? `${slipId}-${++ids}`, slipId, source, clock: 'june' };
        const time = addMs(start, 86_400_000 + log.length);
        log.push({ ...place, sequence: BigInt(log.length), time, receivedTime: receivedAt!, event });
        if (source !== '/slipstream/reconciliation')
          append('/slipstream/reconciliation', reconciler.read(log.at(-1)!));
      }
    };
    const put = (source: string, receivedAt: Instant, event: PendingEvent['event']) =>
      append(source, [{ slipId, partition: 0, clock: 'june', receivedAt, event }]);
    const deadline = addMs(start, outcomeDeadlineMs);
    const terms = { deadline, policy, configDigest: 'old', mode: 'reported', provider: null } as const;
    put('/slipstream/intake', start, submitted(terms));
    if (answeredMs !== null) {
      const at = addMs(start, answeredMs);
      const words = {
        provider: null,
        providerReference: null,
        providerTime: null,
        reason: null,
        amount: null,
      };
      const data = { ...words, outcome: 'succeeded', evidence: 'report' } as const;
      put('/slipstream/provider-gateway', at, { type: 'SlipReturned', data });
    }
    const decided = (type: 'deadline_judged' | 'clock_closed', now: Instant) =>
      append('/slipstream/reconciliation', reconciler.decide({ type }, now));
    if (deadline < closesAt) decided('deadline_judged', deadline);
    decided('clock_closed', closesAt);
    return log;
  };
  const answers = [null, null, 1_000, 9_999, 10_000, 10_001, 20_000, 20_001, 40_000, 59_000];
  const ran = (other: RouteTerms) => answers.map((ms, i) => imported(`slip-${i}`, ms, other));
  const range = { clock: 'june', end: addMs(start, 100_000_000) };

  test.each([10_000, 20_000, 40_000])(
    'under a deadline of %i ms is judged and concluded as a run under it',
    (ms) => {
      const other = { ...rules, outcomeDeadlineMs: ms };
      const courses = ran(other).map((log) => asItWas(log).course);
      const { routes, verdictsDiffer } = backtest(ran(rules), other, {}, range.end, undefined, range.clock);
      expect(verdictsDiffer).toBe(0);
      expect(routes).toMatchObject([{ slips: answers.length, open: 0 }]);
      expect(routes[0]!.would).toMatchObject({
        overdue: courses.filter(({ overdue }) => overdue).length,
        notReturned: courses.filter(({ notReturned }) => notReturned !== null).length,
        cases: courses.filter(({ caseOpened }) => caseOpened).length,
      });
    },
  );

  test('leaves out what its end came too early for: it is no verdict that lacks', () => {
    const late = { ...rules, outcomeDeadlineMs: 90_000 };
    const { routes, verdictsDiffer } = backtest(ran(late), late, {}, range.end, undefined, range.clock);
    expect([verdictsDiffer, routes[0]]).toMatchObject([0, { open: 2, slips: answers.length - 2 }]);
    // What was missed under the old deadline would be open under one behind the end.
    const longer = backtest(ran(rules), late, {}, range.end, undefined, range.clock);
    expect(longer.routes[0]).toMatchObject({ open: 2, would: { overdue: 0, notReturned: 0 } });
  });
});
