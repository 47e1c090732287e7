import {
  encodeSlipEvent,
  encodeTick,
  partitionsDefault,
  type Source,
  sources,
  stampEnvelope,
  tickKey,
  topics,
} from '@slipstream/contracts';
import { partitionOf, type SerialProducer } from '@slipstream/kafka';
import { addMs, type Instant, instantFromMs, wallClock } from '@slipstream/kernel';
import type { DataOf, SlipEvent } from '@slipstream/slip';
import { acknowledged, returned, submittedAt } from './generator.ts';
import type { Happening, Step } from './slip-stream.ts';

const ownerOf: { readonly [step in Step]: Source } = {
  SlipSubmitted: sources.intake,
  FundsHeld: sources.ledger,
  DispatchIntended: sources.gateway,
  SlipAcknowledged: sources.gateway,
  SlipReturned: sources.gateway,
  SlipSettled: sources.ledger,
};
const idOfStep = Object.keys(ownerOf);
const provider = 'acme';

export function slipIdOf(slip: number): string {
  return `00000000-0000-7000-8000-${slip.toString(16).padStart(12, '0')}`;
}

export function slipOfId(slipId: string): number {
  return Number.parseInt(slipId.slice(24), 16);
}

/** Intake, gateway and ledger as the reconciler hears them: their events with gapless numbers, and their ticks. */
export class OutsideWorld {
  readonly #producer: SerialProducer;
  readonly #deadlineMs: number;
  readonly #numbers = new Map<string, number>();
  readonly #ends = new Array<number>(partitionsDefault).fill(0);

  constructor(producer: SerialProducer, deadlineMs: number) {
    this.#producer = producer;
    this.#deadlineMs = deadlineMs;
  }

  /** By partition: behind all that was told. */
  get ends(): readonly number[] {
    return this.#ends;
  }

  /** `startMs`: when the stream began, since 1970. Resolves when all of it was acknowledged. */
  async tell(happened: readonly Happening[], startMs: number): Promise<void> {
    const records = happened.map((one) => this.#recordOf(one, startMs));
    const first = await this.#producer.sendBatch(records);
    const counts = new Array<number>(partitionsDefault).fill(0);
    for (const { partition } of records) counts[partition]! += 1;
    for (const [partition, count] of counts.entries()) {
      const offset = first.get(`${topics.events.name}:${partition}`);
      if (offset !== undefined) this.#ends[partition] = Number(offset) + count;
    }
  }

  /** All three vouch for everything up to this time: what they have to say about it was told. */
  async tick(timeMs: number): Promise<void> {
    const time = instantFromMs(timeMs);
    const marks = this.#ends.map((end, partition) => ({ partition, time, offset: BigInt(end) }));
    const records = [sources.intake, sources.gateway, sources.ledger].map((source) => ({
      topic: topics.watermarks.name,
      partition: 0,
      key: tickKey(source, wallClock),
      value: Buffer.from(encodeTick({ source, clock: wallClock, marks, closed: false })),
    }));
    await this.#producer.sendBatch(records);
  }

  #recordOf({ slip, step, atMs }: Happening, startMs: number) {
    const key = slipIdOf(slip);
    const partition = partitionOf(key, partitionsDefault);
    const source = ownerOf[step];
    const name = `${source} ${partition}`;
    const number = (this.#numbers.get(name) ?? 0) + 1;
    this.#numbers.set(name, number);
    const time = instantFromMs(startMs + atMs);
    const id = `${idOfStep.indexOf(step)}${key.slice(1)}`;
    const head = { id, source, subject: key, clock: wallClock, traceparent: undefined };
    const body = encodeSlipEvent(head, eventOf(step, slip, time, this.#deadlineMs));
    const value = stampEnvelope(body, { sequence: String(number), time, receivedTime: time });
    return { topic: topics.events.name, partition, key, value };
  }
}

function eventOf(step: Step, slip: number, time: Instant, deadlineMs: number): SlipEvent {
  switch (step) {
    case 'SlipSubmitted':
      return submittedAt(slip, time, { provider, payers: 5_000, deadlineMs });
    case 'FundsHeld':
      return { type: step, data: { transaction: transaction(slip, 'hold') } };
    case 'DispatchIntended': {
      const digest = 'ab'.repeat(32);
      const notAfter = addMs(time, 2_000);
      return { type: step, data: { attempt: 1, provider, digest, notAfter, reason: null, detail: null } };
    }
    case 'SlipAcknowledged':
      return acknowledged(slip, provider);
    case 'SlipReturned':
      return returned(slip, provider);
    case 'SlipSettled':
      return { type: step, data: { transaction: transaction(slip, 'settle') } };
    default:
      return step satisfies never;
  }
}

function transaction(slip: number, type: 'hold' | 'settle'): DataOf<'FundsHeld'>['transaction'] {
  const amount = { amount: BigInt(100 + (slip % 10_000)), currency: 'EUR' };
  const payer = `payer:customer-${slip % 5_000}`;
  const [from, to] =
    type === 'hold'
      ? [`${payer}:available`, `${payer}:held`]
      : [`${payer}:held`, `provider:${provider}:settlement`];
  return {
    id: `00000000-0000-5000-8000-${slip.toString(16).padStart(12, '0')}`,
    type,
    postings: [
      { account: from, direction: 'debit', amount },
      { account: to, direction: 'credit', amount },
    ],
  };
}
