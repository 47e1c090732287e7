import { expect, test } from '@jest/globals';
import { ClientQuotas } from './client-quota.ts';

let now = 0;
const quotas = (requestsMax: number, windowMs: number) => {
  now = 0;
  return new ClientQuotas({ requestsMax, windowMs }, () => now);
};
const allowed = (of: ClientQuotas, client: string, times: number) =>
  Array.from({ length: times }, () => of.take(client)).filter(({ isAllowed }) => isAllowed).length;

test('a client that was quiet may send all of its quota at once, and each has its own', () => {
  const of = quotas(5, 1_000);
  expect(allowed(of, 'a', 9)).toBe(5);
  expect(allowed(of, 'b', 9)).toBe(5);
});

test('a refused request costs nothing, and the next is let through when it is due', () => {
  const of = quotas(2, 1_000);
  allowed(of, 'a', 2);
  expect(of.take('a')).toEqual({ isAllowed: false, remaining: 0, waitMs: 500 });
  now = 499;
  expect(of.take('a')).toMatchObject({ isAllowed: false, waitMs: expect.closeTo(1) });
  now = 500;
  expect(of.take('a')).toMatchObject({ isAllowed: true, remaining: 0 });
});

test('tells what is left, and when all of it is there again', () => {
  const of = quotas(10, 1_000);
  expect(of.take('a')).toEqual({ isAllowed: true, remaining: 9, waitMs: 100 });
  expect(of.take('a')).toEqual({ isAllowed: true, remaining: 8, waitMs: 200 });
});

test('over many windows nobody is let through more often than the quota says', () => {
  const of = quotas(3, 300);
  let through = 0;
  for (now = 0; now < 30_000; now += 7) if (of.take('a').isAllowed) through++;
  expect(through).toBeLessThanOrEqual(3 + 300);
  expect(through).toBeGreaterThanOrEqual(300);
});

test('no more than so many clients are remembered', () => {
  const of = quotas(1, 1_000);
  expect(allowed(of, 'first', 2)).toBe(1);
  for (let i = 0; i < 10_000; i++) of.take(`client-${i}`);
  expect(allowed(of, 'first', 2)).toBe(1);
});
