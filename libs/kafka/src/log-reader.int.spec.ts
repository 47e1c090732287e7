import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { sharedEnvironment } from '@slipstream/environment';
import { createKafka } from './client.ts';
import { LogReader } from './log-reader.ts';
import { Rig } from './test-support/rig.ts';

const environment = sharedEnvironment();
let rig: Rig;
let reader: LogReader;
beforeEach(async () => {
  rig = await new Rig(environment().kafkaBrokers).start(2);
  reader = new LogReader(rig.kafka, rig.topic);
});
afterEach(async () => {
  await reader.stop();
  await rig.stop();
});

describe('reading a log again', () => {
  it('tells of a range of records, each once and in order', async () => {
    for (let i = 0; i < 5; i++) await rig.events(1, 100);
    const offsets: number[] = [];
    await reader.walk(1, 37, 412, (walk) => {
      expect(walk.peek()).toBe(true);
      expect(walk.sequence).toBe(walk.offset + 1);
      offsets.push(walk.offset);
    });
    expect(offsets).toEqual(Array.from({ length: 375 }, (_, i) => 37 + i));
  });

  it('gives single records wherever they lie', async () => {
    for (let i = 0; i < 30; i++) await rig.events(0, 100);
    const values = await reader.values(0, [0, 1, 99, 100, 1_500, 2_999]);
    expect([...values.keys()].sort((a, b) => a - b)).toEqual([0, 1, 99, 100, 1_500, 2_999]);
    const first = await reader.values(0, [0]);
    expect(first.get(0)).toEqual(values.get(0));
  });

  it('says that the log is unavailable when it is, and reads it when it is there', async () => {
    await rig.events(0, 1);
    const away = new LogReader(createKafka({ brokers: ['127.0.0.1:1'], clientId: 'spec' }), rig.topic);
    await expect(away.values(0, [0])).rejects.toMatchObject({ code: 'unavailable' });
    await expect(reader.values(0, [7])).rejects.toMatchObject({ code: 'unavailable' });
    await rig.events(0, 10);
    expect((await reader.values(0, [7])).size).toBe(1);
  });
});
