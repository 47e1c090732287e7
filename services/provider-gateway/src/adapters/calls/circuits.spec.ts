import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { PreparedCall, Provider } from '../../application/ports.ts';
import type { HealthChange } from '../../application/tell-health.ts';
import { denied, dispatch } from '../../domain/dispatch/spec-support.ts';
import type { CallOutcome, InquiryOutcome } from '../../domain/provider/answer.ts';
import { type MeteredCall, watched } from './circuits.ts';

const openMs = 5_000;
const askedFor = (route: string) => ({ n: 1, route, traceparent: '' });
const answered: CallOutcome = {
  kind: 'answered',
  answer: { kind: 'acknowledged', providerReference: null, providerTime: null },
};
const timeout: CallOutcome = { kind: 'unanswered', reason: 'timeout', detail: '' };
const refused: CallOutcome = { kind: 'not_sent', reason: 'connection_refused', detail: '' };
const silent = { kind: 'no_answer', detail: 'timeout: no whole answer within 1000 ms' } as const;
const tooLate: CallOutcome = { kind: 'not_sent', reason: 'too_late', detail: '' };

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

function setUp({ isProbed = false } = {}) {
  const world = {
    outcome: answered,
    said: denied as InquiryOutcome,
    sent: 0,
    asked: 0,
    cancelled: 0,
    ms: 0,
    isTold: true,
    isThere: true,
  };
  const metered: MeteredCall[] = [];
  const underWay = new Map<string, number>();
  const changes: HealthChange[] = [];
  const provider = {
    id: 'acme',
    capabilities: { answerTimeoutMs: 1_000, concurrencyMax: 8, circuitOpenMs: openMs },
    prepare: () => ({}),
    send: async () => {
      world.sent += 1;
      return { outcome: world.outcome, released: Promise.resolve() };
    },
    inquire: async () => {
      world.asked += 1;
      return { outcome: world.said, released: Promise.resolve() };
    },
    cancel: async () => {
      world.cancelled += 1;
      return { outcome: silent, released: Promise.resolve() };
    },
    statements: null,
    probe: isProbed
      ? {
          everyMs: 1_000,
          ask: async () => (world.isThere ? { kind: 'answered' } : { kind: 'no_answer', detail: 'HTTP 503' }),
        }
      : null,
  } as unknown as Provider;
  const { providers, circuits } = watched(new Map([['acme', provider]]), {
    monotonicMs: () => world.ms,
    onCall: (call) => void metered.push(call),
    onUnderWay: ({ call }, by) => void underWay.set(call, (underWay.get(call) ?? 0) + by),
    onHealth: async (change) => {
      if (world.isTold) changes.push(change);
      return world.isTold;
    },
  });
  const acme = providers.get('acme')!;
  const send = async (outcome: CallOutcome, times = 1) => {
    world.outcome = outcome;
    const ends: CallOutcome[] = [];
    for (let n = 0; n < times; n++) ends.push((await acme.send({} as PreparedCall, 0)).outcome);
    return ends;
  };
  const pass = (ms: number) => {
    world.ms += ms;
    jest.advanceTimersByTime(ms);
  };
  return { world, metered, underWay, changes, acme, circuits, send, pass };
}

test('calls are under way until they have ended, however they end', async () => {
  const { world, underWay, acme } = setUp();
  const calls = [acme.send({} as PreparedCall, 0), acme.send({} as PreparedCall, 0), acme.inquire('slip-1')];
  expect(Object.fromEntries(underWay)).toEqual({ dispatch: 2, inquiry: 1 });
  await Promise.all(calls);
  world.outcome = null as never; // no provider answers that
  await expect(acme.send({} as PreparedCall, 0)).rejects.toThrow(TypeError);
  await acme.cancel!('slip-1');
  expect(Object.fromEntries(underWay)).toEqual({ dispatch: 0, inquiry: 0, cancellation: 0 });
});

describe('the circuit of a provider', () => {
  test('stays closed while fewer than half of the calls fail, and for what is our own delay', async () => {
    const { circuits, send } = setUp();
    for (let n = 0; n < 30; n++) await send(n % 3 === 0 ? refused : answered);
    await send(tooLate, 60);
    expect([circuits.allowed('acme', 8), circuits.isHealthy('acme')]).toEqual([8, true]);
    expect(circuits.view('acme').state).toBe('closed');
  });

  test.each([
    ['was not reached', refused],
    ['does not answer', timeout],
  ])('opens when it %s, and nothing is sent', async (_, outcome) => {
    const { world, circuits, send } = setUp();
    await send(outcome, 19);
    expect(circuits.allowed('acme', 8)).toBe(8);
    await send(outcome);
    expect([circuits.allowed('acme', 8), circuits.isHealthy('acme')]).toEqual([0, false]);
    expect(circuits.view('acme')).toMatchObject({ state: 'open', calls: 20, failures: 20 });
    expect(await send(answered)).toMatchObject([{ kind: 'not_sent', reason: 'circuit_open' }]);
    expect(world.sent).toBe(20);
  });

  test('lets one call try it again after a while, and closes when that one is answered', async () => {
    const { circuits, send, pass } = setUp();
    await send(timeout, 20);
    pass(openMs);
    expect([circuits.allowed('acme', 8), circuits.view('acme').state]).toEqual([1, 'half_open']);
    await send(timeout);
    expect(circuits.allowed('acme', 8)).toBe(0);
    pass(openMs);
    expect(await send(answered)).toEqual([answered]);
    expect([circuits.allowed('acme', 8), circuits.view('acme').state]).toEqual([8, 'closed']);
  });
});

describe('the circuit of questions', () => {
  test('opens when too many get no answer: the next are answered at once, and calls go on', async () => {
    const { world, acme, circuits } = setUp();
    world.said = silent;
    for (let n = 0; n < 20; n++) await acme.inquire('s-1');
    expect(circuits.view('acme')).toMatchObject({ inquiries: 'open', state: 'closed' });
    expect([circuits.questions('acme', 2), circuits.allowed('acme', 8)]).toEqual([2, 8]);
    expect((await acme.inquire('s-1')).outcome).toMatchObject({
      ...{ kind: 'no_answer', detail: expect.stringContaining('circuit_open') },
    });
    expect(world.asked).toBe(20);
    expect(circuits.isHealthy('acme')).toBe(true);
  });

  test('lets one try it again after a while, and closes when that one is answered', async () => {
    const { world, acme, circuits, pass } = setUp();
    world.said = silent;
    for (let n = 0; n < 20; n++) await acme.inquire('s-1');
    pass(openMs);
    expect([circuits.questions('acme', 2), circuits.view('acme').inquiries]).toEqual([1, 'half_open']);
    await acme.inquire('s-1');
    expect([world.asked, circuits.view('acme').inquiries]).toEqual([21, 'open']);
    pass(openMs);
    world.said = denied;
    expect((await acme.inquire('s-1')).outcome).toEqual(denied);
    expect([circuits.questions('acme', 2), circuits.view('acme').inquiries]).toEqual([2, 'closed']);
  });

  test('is not opened by what a provider says, whatever it is', async () => {
    const { acme, circuits } = setUp();
    for (let n = 0; n < 60; n++) await acme.inquire('s-1');
    expect(circuits.view('acme').inquiries).toBe('closed');
  });
});

test('cancellations that are not confirmed close the way to questions for nobody', async () => {
  const { world, acme, circuits } = setUp();
  for (let n = 0; n < 60; n++) await acme.cancel!('s-1');
  expect(circuits.view('acme')).toMatchObject({ inquiries: 'closed', state: 'closed' });
  expect([world.cancelled, world.asked]).toEqual([60, 0]);
});

test('every call is told of by its end and the route of its slip, questions and cancellations too', async () => {
  const { acme, metered, world } = setUp({ isProbed: true });
  world.outcome = timeout;
  await acme.send(acme.prepare(dispatch({ route: 'payouts' })), 0);
  await acme.inquire('s-1', askedFor('cards'));
  await acme.cancel!('s-1', askedFor('default'));
  await acme.probe!.ask();
  const provider = 'acme';
  expect(metered).toMatchObject([
    { provider, route: 'payouts', call: 'dispatch', outcome: 'unanswered', reason: 'timeout' },
    { provider, route: 'cards', call: 'inquiry', outcome: 'not_found', reason: '' },
    { provider, route: 'default', call: 'cancellation', outcome: 'no_answer', reason: '' },
    { provider, route: '', call: 'probe', outcome: 'answered', reason: '' },
  ]);
});

describe('a change of health', () => {
  test('is told once, with what it rests on', async () => {
    const { changes, send, pass } = setUp();
    await send(answered, 8);
    pass(1_000);
    await send(timeout, 2);
    pass(1_000);
    await send(timeout, 2);
    expect(changes).toMatchObject([
      {
        ...{ provider: 'acme', previous: 'healthy', health: 'degraded' },
        signs: { calls: 11, failures: 3, timeouts: 3 },
      },
    ]);
    await send(timeout, 20);
    expect(changes.slice(1)).toMatchObject([{ previous: 'degraded', health: 'down' }]);
  });

  test('that could not be told is told with a later call', async () => {
    const { world, changes, send, pass } = setUp();
    world.isTold = false;
    await send(refused, 20);
    expect(changes).toEqual([]);
    world.isTold = true;
    pass(openMs);
    await send(refused);
    expect(changes).toMatchObject([{ health: 'down' }]);
  });
});

describe('a provider that is asked whether it is there', () => {
  async function setUpProbed() {
    const all = setUp({ isProbed: true });
    const probe = async (isThere: boolean, times = 1) => {
      all.world.isThere = isThere;
      for (let n = 0; n < times; n++) {
        all.pass(1_000);
        await all.acme.probe!.ask();
      }
    };
    return { ...all, probe };
  }

  test('is not healthy while it is not, though nobody calls it, and is again when it is', async () => {
    const { changes, circuits, metered, probe } = await setUpProbed();
    await probe(true, 3);
    await probe(false, 2);
    expect(circuits.isHealthy('acme')).toBe(true);
    await probe(false);
    expect(circuits.isHealthy('acme')).toBe(false);
    // Whoever has no other provider is still sent there.
    expect(circuits.allowed('acme', 8)).toBe(8);
    expect(circuits.view('acme').probe).toEqual({ answered: 0, failed: 3, problem: 'HTTP 503' });
    await probe(true, 3);
    expect(circuits.isHealthy('acme')).toBe(true);
    expect(changes).toMatchObject([
      { health: 'degraded', signs: { calls: 0, probe: { failed: 3, problem: 'HTTP 503' } } },
      { health: 'healthy', signs: { calls: 0, probe: { answered: 3 } } },
    ]);
    expect(metered.map(({ call, outcome }) => [call, outcome])).toContainEqual(['probe', 'no_answer']);
  });

  test('is tried again behind an open circuit only once it answered, so no slip is risked before', async () => {
    const { changes, circuits, probe, send, pass } = await setUpProbed();
    await probe(true, 9);
    await send(timeout, 20);
    pass(10 * openMs);
    // It was there before, which says nothing of now.
    expect([circuits.allowed('acme', 8), circuits.view('acme').state]).toEqual([0, 'open']);
    await probe(false, 9);
    expect(circuits.allowed('acme', 8)).toBe(0);
    await probe(true);
    expect([circuits.allowed('acme', 8), circuits.view('acme').state]).toEqual([1, 'half_open']);
    expect(changes.map(({ health }) => health)).toEqual(['down', 'degraded']);
    await send(answered);
    expect(circuits.allowed('acme', 8)).toBe(8);
    await probe(true, 3);
    expect(changes.at(-1)).toMatchObject({ previous: 'degraded', health: 'healthy' });
  });

  test('is not tried sooner than any other, though it answers', async () => {
    const { circuits, probe, send } = await setUpProbed();
    await send(timeout, 20);
    await probe(true);
    expect(circuits.allowed('acme', 8)).toBe(0);
  });
});
