import { randomUUID } from 'node:crypto';
import { encodeSlipEvent, sourceOf, stampEnvelope, topics } from '@slipstream/contracts';
import { createKafka, partitionOf, SerialProducer } from '@slipstream/kafka';
import type { SlipEvent } from '@slipstream/slip';

const log = { info() {}, warn() {}, error() {} };

/** Says events as our services do: each source numbers its own, gapless in each partition. One for each broker. */
export class LogWriter {
  readonly #producer: SerialProducer;
  readonly #sequences = new Map<string, number>();

  constructor(brokers: readonly string[]) {
    this.#producer = new SerialProducer(createKafka({ brokers, clientId: 'spec', log }), { log });
  }

  async publish(slipId: string, events: readonly SlipEvent[]): Promise<void> {
    const partition = partitionOf(slipId, topics.events.partitions);
    const at = { topic: topics.events.name, partition, key: slipId };
    await this.#producer.sendBatch(
      events.map((event) => ({ ...at, value: this.#stamped(slipId, partition, event) })),
    );
  }

  stop(): Promise<void> {
    return this.#producer.stop();
  }

  #stamped(slipId: string, partition: number, event: SlipEvent): Buffer {
    const source = sourceOf(event.type);
    const sequence = (this.#sequences.get(`${source} ${partition}`) ?? 0) + 1;
    this.#sequences.set(`${source} ${partition}`, sequence);
    const time = '2026-11-22T10:00:00.000000Z';
    const head = { id: randomUUID(), source, subject: slipId, clock: 'wall' };
    return stampEnvelope(encodeSlipEvent(head, event), {
      ...{ sequence: `${sequence}`, time, receivedTime: time },
    });
  }
}
