import { expect, test } from '@jest/globals';
import type { SubmissionRules } from '../domain/submission/decide-submission.ts';
import { Door } from './door.ts';
import type { SubmitOutcome, SubmitRequest } from './submit-requests.ts';

const policy = {
  ...{ mode: 'dispatched', provider: 'acme', kinds: ['order'], outcomeDeadlineMs: 60_000, answerMsMax: 0 },
  ...{ overdraft: { order: true }, quietPeriodMs: 0, inquiryLadderMs: [], review: null },
};
const rules = {
  routes: new Map([['default', policy]]),
  graceMs: 0,
  payments: [],
} as unknown as SubmissionRules;
const now = '2026-11-27T08:00:00.000000Z';

const request = (key: string, more: object = {}) =>
  ({
    key,
    isDraft: false,
    submission: {
      ...{ caller: 'shop', reference: key, kind: 'order', account: 'cust', counterparty: 'shop-7' },
      ...{ amount: null, route: 'default', deadline: null, metadata: {}, ...more },
    },
  }) as unknown as SubmitRequest;
const accepted = { type: 'accepted', status: 'submitted', replayed: false } as SubmitOutcome;

/** A line with so many places, behind whose first one waits so long. */
function setUp({ places, waitMs = 1_000 }: { places: number; waitMs?: number }) {
  const world = { places, waitMs, entered: [] as string[] };
  const submitted: SubmitRequest[] = [];
  const lines = {
    enter: (route: string) => {
      world.entered.push(route);
      world.places -= 1;
      return 1;
    },
    leave: (_: string, place: number) => {
      world.places += place;
    },
    accepted() {},
    expectedMs: () => world.waitMs,
    isThrottled: () => world.places < 1,
  };
  const door = new Door({ rules, lines, clock: () => now });
  const pass = (one: SubmitRequest, outcome = accepted) =>
    door.pass(one, async (let_in) => {
      submitted.push(let_in);
      return outcome;
    });
  return { world, submitted, pass };
}

test('of many that come together so many are let in as there are places, and nobody asks for the others', async () => {
  const { submitted, pass } = setUp({ places: 2 });
  const outcomes = await Promise.all(['a', 'b', 'c', 'd'].map((key) => pass(request(key))));
  expect(outcomes.map(({ type }) => type)).toEqual(['accepted', 'accepted', 'refused', 'refused']);
  expect(outcomes[3]).toMatchObject({ refusal: { rule: 'throttled', retryAfterS: 1 } });
  expect(submitted.map(({ key, hasPlace }) => [key, hasPlace])).toEqual([
    ['a', true],
    ['b', true],
  ]);
});

test('who would wait longer than his deadline allows is sent away as well', async () => {
  const { submitted, pass } = setUp({ places: 9, waitMs: 40_000 });
  expect(await pass(request('a'))).toMatchObject({ refusal: { rule: 'wait_too_long', retryAfterS: 10 } });
  const patient = request('b', { deadline: '2026-11-27T10:00:00.000000Z' });
  expect((await pass(patient)).type).toBe('accepted');
  expect(submitted).toHaveLength(1);
});

test('a repeat of what came in is answered as ever, and takes no place', async () => {
  const { world, submitted, pass } = setUp({ places: 1 });
  await pass(request('a'));
  expect((await pass(request('a'))).type).toBe('accepted');
  expect([submitted.length, world.places]).toEqual([2, 0]);
  expect(submitted[1]!.hasPlace).toBeUndefined();
});

test.each<[string, SubmitOutcome]>([
  ['was refused', { type: 'refused', refusal: { rule: 'same_account', field: 'counterparty', detail: '' } }],
  ['is looked at by people first', { ...accepted, status: 'in_review' } as SubmitOutcome],
  ['was accepted before', { ...accepted, replayed: true } as SubmitOutcome],
])('one that %s gives its place back', async (_, outcome) => {
  const { world, pass } = setUp({ places: 1 });
  await pass(request('a'), outcome);
  expect(world.places).toBe(1);
});

test('one whose outcome nobody knows gives its place back, and its repeat is let in', async () => {
  const { world, submitted, pass } = setUp({ places: 1 });
  const failing = pass(request('a'), Promise.reject(new Error('away')) as never);
  await expect(failing).rejects.toThrow('away');
  expect(world.places).toBe(1);
  world.places = 0;
  expect((await pass(request('a'))).type).toBe('accepted');
  expect(submitted).toHaveLength(2);
});

test('what is refused for another reason, and what waits for no call, is not judged at the door', async () => {
  const { submitted, pass } = setUp({ places: 0 });
  await pass(request('a', { counterparty: 'cust' }));
  await pass({ ...request('b'), isDraft: true });
  expect(submitted.map(({ key }) => key)).toEqual(['a', 'b']);
});

test('a route that nobody declared gets no line', async () => {
  const { world, submitted, pass } = setUp({ places: 3 });
  await pass(request('a', { route: 'made-up' }));
  expect([submitted.length, world.entered]).toEqual([1, []]);
});
