import { createServer, connect as open, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { sharedEnvironment } from '@slipstream/environment';
import { createKafka } from './client.ts';
import { RecordStream } from './record-stream.ts';
import { Rig, until } from './test-support/rig.ts';
import { TickReader } from './tick-reader.ts';

const environment = sharedEnvironment();
const quiet = { info() {}, warn() {}, error() {} };
let rig: Rig;
let door: Door;

beforeEach(() => {
  rig = new Rig(environment().kafkaBrokers);
});
afterEach(async () => {
  await rig.stop();
  await door?.close();
});

/** A port that nobody answers on until it is opened: then it leads to the broker. */
class Door {
  readonly port: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.port = port;
  }

  static async closed(broker: string): Promise<Door> {
    const [host, port] = broker.split(':');
    const server = createServer((socket) => {
      const onward = open(Number(port), host!);
      for (const one of [socket, onward]) {
        door.#sockets.add(one);
        one.on('error', () => {});
      }
      socket.pipe(onward).pipe(socket);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const made = new Door(server, (server.address() as { port: number }).port);
    await new Promise((resolve) => server.close(resolve));
    return made;
  }

  async open(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(this.port, '127.0.0.1', resolve));
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

it('is waited for by consumers, readers and streams that start before the broker does', async () => {
  await rig.start();
  await rig.events(0, 5);
  door = await Door.closed(environment().kafkaBrokers[0]!);
  const kafka = createKafka({ brokers: [`127.0.0.1:${door.port}`], clientId: 'early', log: quiet });
  const fatal: Error[] = [];
  const reader = new TickReader({
    kafka,
    name: 'early',
    topic: rig.topic,
    log: quiet,
    onFatal: (e) => fatal.push(e),
  });
  const streamed: number[] = [];
  const stream = new RecordStream({
    ...{ kafka, topic: rig.topic, group: `early-${rig.topic}`, fromBeginning: true, log: quiet },
    onBatch: async (records) => void streamed.push(...records.map(({ offset }) => offset)),
    onFatal: (e) => fatal.push(e),
  });
  const started: string[] = [];
  const streaming = stream.start().then(() => started.push('stream'));
  const reading = reader.start().then(() => started.push('reader'));
  const joining = rig.member({ kafka }).then((member) => {
    started.push('consumer');
    return member;
  });
  // Longer than kafkajs itself tries.
  await until(() => rig.waits.length > 0, 'the consumer waits for brokers');
  expect(started).toEqual([]);
  await door.open();
  await Promise.all([reading, streaming]);
  const { store } = await joining;
  await until(() => store.effects.length === 5, 'all handled');
  await until(() => streamed.length === 5, 'all streamed');
  expect(fatal).toEqual([]);
  await stream.stop();
  await reader.stop();
});
