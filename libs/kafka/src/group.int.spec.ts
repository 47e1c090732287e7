import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { sharedEnvironment } from '@slipstream/environment';
import kafkajs from 'kafkajs';
import { byPartition, type Member, Rig, recordOffsets, until } from './test-support/rig.ts';

const environment = sharedEnvironment();
let rig: Rig;

beforeEach(() => {
  rig = new Rig(environment().kafkaBrokers);
});
afterEach(() => rig.stop());

const isOnlyOf = ({ consumer, lagShown }: Member) =>
  lagShown.size > 0 && [...lagShown].every((partition) => consumer.positions().has(partition));

describe('two members of a group', () => {
  it('share the partitions and handle every record once while members come and go', async () => {
    await rig.start(4);
    const handle: typeof recordOffsets = async (tx, batch) => {
      await recordOffsets(tx, batch);
      await new Promise((resolve) => setTimeout(resolve, 5));
    };
    const options = { batchRecordsMax: 25, watchdogIntervalMs: 50 };
    const first = await rig.member({ handle, options });
    let sending = true;
    const sent = (async () => {
      let total = 0;
      for (; sending || total < 10; total++) {
        await Promise.all([0, 1, 2, 3].map((partition) => rig.events(partition, 40)));
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      return total * 40;
    })();
    for (let i = 0; i < 3; i++) {
      const other = await rig.member({ handle, options });
      await until(() => other.consumer.positions().size === 2, 'the newcomer owns its half');
      await until(() => first.consumer.positions().size === 2, 'the other half stays');
      await until(() => isOnlyOf(first), 'each tells of its own partitions alone');
      await other.consumer.stop();
      await until(() => first.consumer.positions().size === 4, 'all come back');
    }
    sending = false;
    const count = await sent;
    await until(() => first.store.effects.length >= count * 4, 'all handled');
    expect(byPartition(first.store.effects)).toEqual(rig.allOnce(4, count));
    expect(first.store.deadLetters).toEqual([]);
  });

  it('let a zombie change nothing: its batch ends after another took over', async () => {
    await rig.start();
    await rig.events(0, 10);
    let release: () => void = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    let begun = false;
    const zombie = await rig.member({
      async handle(tx, batch) {
        begun = true;
        await held;
        await recordOffsets(tx, batch);
      },
    });
    await until(() => begun, 'the first member is in its batch');
    const { store } = zombie;
    // The zombie cannot beat: after the session timeout the partition goes to the second.
    const second = await rig.member({ store });
    await until(() => store.effects.length === 10, 'the second handled all');
    release();
    await until(() => store.fencedCount > 0, 'the zombie was fenced');
    expect(store.effects).toEqual(rig.allOnce(1, 10));
    await rig.events(0, 5);
    await until(() => store.effects.length === 15, 'the group goes on');
    expect(store.effects).toEqual(rig.allOnce(1, 15));
    expect([...zombie.fatal, ...second.fatal]).toEqual([]);
  });
});

describe('a member whose process was killed', () => {
  it('is taken out of the group by the next process of its name, which need not wait for its session', async () => {
    await rig.start();
    await rig.events(0, 5);
    await joinAndDie('one');
    const { store } = await rig.member({ clientId: 'one' });
    await until(() => store.effects.length === 5, 'all handled');
    const { groups } = await rig.admin.describeGroups([rig.group]);
    expect(groups[0]!.members.map(({ clientId }) => clientId)).toEqual(['one']);
  });

  it('of another name is left alone', async () => {
    await rig.start(2);
    const other = await rig.member({ clientId: 'two' });
    await until(() => other.consumer.positions().size === 2, 'it owns all');
    const one = await rig.member({ clientId: 'one' });
    await until(() => one.consumer.positions().size === 1, 'the newcomer owns its half');
    await until(() => other.consumer.positions().size === 1, 'the other half stays');
  });

  /** A process that joins the group and is killed; its session holds for five minutes more. */
  async function joinAndDie(clientId: string): Promise<void> {
    const script = `
      const { Kafka } = require('kafkajs');
      const [brokers, clientId, groupId, topic] = process.argv.slice(1);
      const consumer = new Kafka({ brokers: brokers.split(','), clientId, logLevel: 0 })
        .consumer({ groupId, sessionTimeout: 300_000, rebalanceTimeout: 300_000 });
      consumer.on('consumer.group_join', () => console.log('joined'));
      consumer.connect()
        .then(() => consumer.subscribe({ topics: [topic] }))
        .then(() => consumer.run({ autoCommit: false, eachBatch: async () => {} }));`;
    const brokers = environment().kafkaBrokers.join(',');
    const child = spawn(process.execPath, ['-e', script, brokers, clientId, rig.group, rig.topic], {
      cwd: import.meta.dirname,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = once(child, 'close');
    try {
      const [line] = await once(child.stdout, 'data', { signal: AbortSignal.timeout(120_000) });
      expect(String(line)).toBe('joined\n');
    } finally {
      child.kill('SIGKILL');
      await ended;
    }
  }
});

describe('a fenced partition', () => {
  it('is taken again when no new assignment comes', async () => {
    await rig.start();
    await rig.events(0, 5);
    const { consumer, store } = await rig.member();
    await until(() => store.effects.length === 5, 'all handled');
    await store.claim(rig.group, rig.topic, 0, null);
    await rig.events(0, 5);
    await until(() => store.fencedCount > 0, 'the fence held');
    expect(consumer.positions().size).toBe(0);
    await until(() => store.effects.length === 10, 'it came back');
    expect(store.effects).toEqual(rig.allOnce(1, 10));
  });
});

describe('a consumer that died', () => {
  it('says so, once', async () => {
    await rig.start(1, { 'compression.type': 'producer' });
    const { consumer, fatal } = await rig.member();
    await until(() => consumer.positions().size === 1, 'claimed');
    await sendSnappy();
    await until(() => fatal.length > 0, 'onFatal was called');
    expect(fatal).toHaveLength(1);
    expect(consumer.health().ok).toBe(false);
  });

  it('is ended by the watchdog when it hangs with records waiting', async () => {
    await rig.start();
    await rig.events(0, 3);
    let release: () => void = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const options = { watchdogIntervalMs: 100, stallMs: 500, drainTimeoutMs: 2_000 };
    const { fatal } = await rig.member({ options, handle: () => held });
    await until(() => fatal.length > 0, 'onFatal was called');
    expect(fatal[0]!.message).toMatch(/no batch ended for 500 ms while 3 records wait/);
    release();
  });
});

/** A record in a codec that this client does not have, which ends a kafkajs consumer for good (K13). */
async function sendSnappy(): Promise<void> {
  const { CompressionCodecs, CompressionTypes } = kafkajs;
  const absent = CompressionCodecs[CompressionTypes.Snappy];
  // One literal of at most 60 bytes is valid Snappy.
  const literal = ({ buffer }: { buffer: Buffer }) =>
    Buffer.concat([Buffer.from([buffer.length, (buffer.length - 1) << 2]), buffer]);
  CompressionCodecs[CompressionTypes.Snappy] = () => ({
    compress: async (encoder: never) => literal(encoder),
  });
  const producer = rig.kafka.producer();
  await producer.connect();
  const messages = [{ key: 'a', value: 'x' }];
  await producer.send({ topic: rig.topic, compression: CompressionTypes.Snappy, messages });
  await producer.disconnect();
  CompressionCodecs[CompressionTypes.Snappy] = absent;
}
