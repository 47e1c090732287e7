import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { sharedEnvironment, stepClock } from '@slipstream/environment';
import { addMs, type Instant } from '@slipstream/kernel';
import type { DataOf } from '@slipstream/slip';
import type { CallbackCount } from '../src/application/ports.ts';
import { tellRefused } from '../src/application/tell-refused.ts';
import { Harness } from './support/harness.ts';

const environment = sharedEnvironment();
const minuteMs = 60_000;
let gateway: Harness;

beforeAll(async () => {
  gateway = await Harness.open(environment().databaseUrl);
});
afterAll(async () => {
  await gateway?.stop();
});

const add = (...counts: Partial<CallbackCount>[]) =>
  gateway.store.run((tx) =>
    tx.callbackCounts.add(
      counts.map((count) => ({
        ...{ provider: 'acme', refused: 0, aboutItsSlips: 0, slips: [], accepted: 0 },
        ...count,
      })),
    ),
  );
const now = () => gateway.store.run((tx) => tx.now());
const beside = (...slips: [slipId: string, provider: string, calledAt: Instant][]) =>
  gateway.store.run((tx) =>
    tx.callbackCounts.beside(
      slips.map(([slipId, provider, calledAt]) => ({ ...{ slipId, provider }, calledAt })),
    ),
  );

test('what was refused and accepted since a call is told beside it, by provider', async () => {
  const start = await now();
  await add(
    { refused: 5, aboutItsSlips: 3, slips: ['s-1', 's-7'], accepted: 1 },
    { provider: 'bolt', refused: 9, accepted: 70 },
  );
  await add({ refused: 1, aboutItsSlips: 1, slips: ['s-7'] });
  await stepClock(gateway.databaseUrl, 10 * minuteMs);
  await add({ refused: 2, aboutItsSlips: 2, slips: ['s-2'], accepted: 4 });
  const later = addMs(start, 10 * minuteMs);
  const told = await beside(['s-1', 'acme', start], ['s-2', 'acme', later], ['s-3', 'bolt', start]);
  // What a provider does not have is nobody's evidence, however often it is named.
  expect([...told.keys()].toSorted()).toEqual(['s-1', 's-2']);
  expect(told.get('s-1')).toMatchObject({ refused: 6, accepted: 5, slips: 3 });
  expect(told.get('s-2')).toMatchObject({ refused: 2, accepted: 4, slips: 1 });
  expect(told.get('s-1')!.since < told.get('s-2')!.since).toBe(true);
  expect(told.get('s-1')!.until).toBe(told.get('s-2')!.until);
  expect((await beside(['s-4', 'acme', addMs(later, minuteMs)])).size).toBe(0);
});

test('no more slips of a minute are told apart than say more', async () => {
  await stepClock(gateway.databaseUrl, 15 * minuteMs);
  const start = await now();
  const all = Array.from({ length: 20 }, (_, n) => `many-${n}`);
  for (let n = 0; n < 20; n += 5) await add({ refused: 5, aboutItsSlips: 5, slips: all.slice(n, n + 5) });
  expect((await beside(['many-0', 'acme', start])).get('many-0')).toMatchObject({ refused: 20, slips: 8 });
  await add({ accepted: 1 });
  expect((await beside(['many-0', 'acme', start])).get('many-0')).toMatchObject({ accepted: 1, slips: 8 });
});

test('each minute that is over is told once, however many instances look', async () => {
  const look = () => gateway.store.run((tx) => tx.callbackCounts.takeTellable());
  await stepClock(gateway.databaseUrl, 20 * minuteMs);
  await add({ refused: 7 });
  const looks = await Promise.all([look(), look(), look()]);
  const told = looks.flatMap((one) => one.told).toSorted((a, b) => (a.provider < b.provider ? -1 : 1));
  expect(told).toMatchObject([
    { provider: 'acme', refused: 28, aboutItsSlips: 26, accepted: 6 },
    { provider: 'bolt', refused: 9, aboutItsSlips: 0, accepted: 70 },
  ]);
  expect(looks.at(-1)!.isMoreUntold).toBe(true);
  await stepClock(gateway.databaseUrl, 21 * minuteMs);
  expect(await look()).toMatchObject({ told: [{ provider: 'acme', refused: 7 }], isMoreUntold: false });
});

describe('slips about which callbacks were refused', () => {
  const tell = () => gateway.store.run((tx) => tellRefused(tx, ['acme']));
  const toldOf = async (...slipIds: string[]) => {
    const found = await Promise.all(slipIds.map((slipId) => gateway.published(slipId)));
    return found.map(
      (events) =>
        events.flatMap(({ type, data }) =>
          type === 'CallbackRefused' ? [data] : [],
        ) as DataOf<'CallbackRefused'>[],
    );
  };
  /** As the rows are when their calls were made, a minute before the callback came: ten seconds before `not_after`, as `calledAt` has it. */
  const called = async (minutes: number) => {
    await stepClock(gateway.databaseUrl, (minutes - 1) * minuteMs);
    const slipId = await gateway.slip({ deadlineMs: 24 * 60 * minuteMs });
    await gateway.unitOfWork.query(
      "update dispatch set not_after = clock_timestamp() + interval '10 s', provider = 'acme' where slip_id = $1",
      [slipId],
    );
    await stepClock(gateway.databaseUrl, minutes * minuteMs);
    await add({ refused: 1, aboutItsSlips: 1, slips: [slipId] });
    return slipId;
  };

  test('are told of it, each once, when others show that it is our secret', async () => {
    const first = await called(24 * 60 + 1);
    await tell();
    expect(await toldOf(first)).toEqual([[]]);
    const second = await called(24 * 60 + 3);
    await Promise.all([tell(), tell()]);
    await tell();
    const [ofFirst, ofSecond] = await toldOf(first, second);
    expect(ofFirst).toMatchObject([
      { provider: 'acme', callbacksRefused: { refused: 2, accepted: 0, slips: 2 } },
    ]);
    // Since its own call no other was refused yet.
    expect(ofSecond).toEqual([]);
    const third = await called(24 * 60 + 5);
    await tell();
    expect((await toldOf(first, second, third)).map(({ length }) => length)).toEqual([1, 1, 0]);
  });

  test('are not told of it after an hour', async () => {
    const old = await called(24 * 60 + 7);
    const late = await called(24 * 60 + 70);
    await tell();
    expect((await toldOf(old, late)).flat()).toEqual([]);
  });
});

test('what was told is kept for a day', async () => {
  await stepClock(gateway.databaseUrl, 50 * 60 * minuteMs);
  await gateway.store.run((tx) => tx.callbackCounts.takeTellable());
  await add({ accepted: 1 });
  const rows = await gateway.unitOfWork.query('select 1 from callback_count where provider = $1', ['acme']);
  expect(rows).toHaveLength(1);
  await stepClock(gateway.databaseUrl, 0);
});
