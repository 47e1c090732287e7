import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { topics } from '@slipstream/contracts';
import { sharedEnvironment } from '@slipstream/environment';
import { advanceClocks, type ClockMark, closedClocks, endClocks, runningClocks } from '@slipstream/postgres';
import { Harness } from './support/harness.ts';

const environment = sharedEnvironment();
const { name: topic, partitions } = topics.results;
const time = '2020-01-01T00:00:00.000000Z';
let gateway: Harness;
beforeAll(async () => {
  gateway = await Harness.open(environment().databaseUrl);
});
afterAll(() => gateway?.stop());

const marksOf = (clock: string, closed: boolean): ClockMark[] =>
  Array.from({ length: partitions }, (_, partition) => ({ clock, partition, time, closed }));
const count = async (table: string) =>
  Number((await gateway.unitOfWork.query<{ n: string }>(`select count(*) as n from ${table}`))[0]!.n);

test('three thousand clocks that have ended leave a tick nothing to read, and stay closed', async () => {
  const ended = Array.from({ length: 3_000 }, (_, n) => `import-${n}`);
  const { unitOfWork } = gateway;
  await advanceClocks(unitOfWork, topic, [
    ...ended.flatMap((clock) => marksOf(clock, true)),
    ...marksOf('running', false),
  ]);
  expect(await runningClocks(unitOfWork, topic)).toHaveLength(3_001);
  await endClocks(unitOfWork, topic, ended);
  expect(await count('clock_mark')).toBe(partitions);
  expect(await count('ended_clock')).toBe(3_000);
  expect(await runningClocks(unitOfWork, topic)).toEqual([
    { clock: 'running', partitions, time, closed: false },
  ]);
  expect(await closedClocks(unitOfWork, topic, 0, ['import-7', 'running', 'new'])).toEqual(
    new Set(['import-7']),
  );
  await advanceClocks(unitOfWork, topic, marksOf('import-7', false));
  expect(await count('clock_mark')).toBe(partitions);
});

test('a clock that runs is closed on a partition as soon as its mark says so', async () => {
  const [first, ...others] = marksOf('half', false);
  await advanceClocks(gateway.unitOfWork, topic, [{ ...first!, closed: true }, ...others]);
  const closedOn = (partition: number) => closedClocks(gateway.unitOfWork, topic, partition, ['half']);
  expect(await closedOn(0)).toEqual(new Set(['half']));
  expect(await closedOn(1)).toEqual(new Set());
});
