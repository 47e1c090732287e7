import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { sharedEnvironment } from '@slipstream/environment';
import { readLag } from './lag.ts';
import { Rig } from './test-support/rig.ts';

const environment = sharedEnvironment();
let rig: Rig;
beforeEach(async () => {
  rig = await new Rig(environment().kafkaBrokers).start(2);
});
afterEach(() => rig.stop());

it('tells how far a group is behind, by the records that the log still has', async () => {
  await rig.events(0, 50);
  await rig.events(1, 20);
  await rig.commitInKafka(0, 30);
  const lag = async () =>
    (await readLag(rig.kafka, [rig.topic, 'not-there'])).filter(({ group }) => group === rig.group);
  expect(await lag()).toEqual([
    { group: rig.group, topic: rig.topic, partition: 0, nextOffset: 30, end: 50, behind: 20 },
  ]);
  await rig.cut(0, 45);
  expect(await lag()).toMatchObject([{ behind: 5 }]);
});
