import { expect, it } from '@jest/globals';
import type { KafkaClient } from '@slipstream/kafka';
import { SlipstreamConsumer } from './consumer.ts';

const reader = { brokers: ['127.0.0.1:1'], caller: '/spec', onBatch() {} };

it('leaves no connection open when the stream cannot be started', async () => {
  const open = new Set<string>();
  const connection = (name: string) => ({
    connect: async () => void open.add(name),
    disconnect: async () => void open.delete(name),
  });
  const kafka = {
    admin: () => ({ ...connection('admin'), deleteGroups: async () => {} }),
    consumer: () => ({
      ...connection('consumer'),
      events: { CRASH: 'consumer.crash' },
      on() {},
      async subscribe() {
        throw new Error('no such topic');
      },
    }),
  } as unknown as KafkaClient;
  const consumer = new SlipstreamConsumer({ ...reader, from: 'beginning' }, () => kafka);
  const started = consumer.start();
  await expect(started).rejects.toThrow('no such topic');
  expect([...open]).toEqual([]);
});

it('is started once: what is asked of it later is refused', async () => {
  const stopped = new SlipstreamConsumer({ ...reader, from: 'now' });
  await stopped.stop();
  const refused = expect.objectContaining({
    code: 'conflict',
    message: expect.stringContaining('make another'),
  });
  await expect(stopped.start()).rejects.toEqual(refused);
});

it.each([
  [{ from: 'start' as 'now' }, 'must be beginning, now, a time or offsets, not start'],
  [{ from: { time: 'yesterday' } }, 'from/time is no time: yesterday'],
  [{ from: { time: new Date(Number.NaN) } }, 'from/time is no time: Invalid Date'],
  [{ from: { offsets: { 3: -1 } } }, 'whole numbers from 0 on, not -1'],
  [{ from: { offsets: { 3: 1.5 } } }, 'whole numbers from 0 on, not 1.5'],
  [{ from: { offsets: {} }, group: 'shop' }, 'a group goes on where it stopped'],
  [{ from: {} as 'now' }, 'a time or offsets, not {}'],
  [{ from: null as never }, 'a time or offsets, not null'],
  [{ from: undefined as never }, 'a time or offsets, not undefined'],
  [{ from: { offsets: new Map([[3, 7]]) as never } }, 'a time or offsets, not'],
  [{ from: { offsets: undefined as never } }, 'a time or offsets, not {}'],
  [{ from: 'now' as const, group: '' }, 'the group must not be empty'],
  [{ from: 'now' as const, onBatch: 'log' as never }, 'onBatch must be a function'],
])('refuses to begin at %j', (options, said) => {
  expect(() => new SlipstreamConsumer({ ...reader, ...options })).toThrow(
    expect.objectContaining({ code: 'validation_failed', message: expect.stringContaining(said) }),
  );
});
