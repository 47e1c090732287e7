import { encodeSlipEvent, partitionsDefault, sourceOf, stampEnvelope, topics } from '@slipstream/contracts';
import { partitionOf } from '@slipstream/kafka';
import { addMs, type Money, type SeededRandom, seededRandom } from '@slipstream/kernel';
import type { DataOf, SlipEvent } from '@slipstream/slip';
import { submittedAt } from '../benchmarks/generator.ts';

/** A record of `slips.events.v1`, ready to be sent. */
export interface LoadRecord {
  readonly topic: string;
  readonly partition: number;
  readonly key: string;
  readonly value: Buffer;
}

const start = '2026-01-01T00:00:00.000000Z';
/** So many slips are under way at once. */
const slipsAtOnce = 500;
const resendsShare = 0.02;
/** Of the records of a partition, so many of the latest may come again. */
const resendableMax = 100;

/**
 * Seeded lives of slips, as all services but the ledger would tell them: usual ones, in parts, refunded, denied, doubted, asked for
 * twice, without money. Many are under way at once, and some records come again byte for byte, as a relay sends them after a crash.
 */
export class LedgerLoad {
  readonly #random: SeededRandom;
  readonly #sequences = new Map<string, number>();
  readonly #latest = new Map<number, LoadRecord[]>();
  #events = 0;
  #resends = 0;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
  }

  /** Made so far, each counted once. */
  get events(): number {
    return this.#events;
  }

  get resends(): number {
    return this.#resends;
  }

  /** Records in the order in which they are to be sent, until there are so many events. */
  *batches(events: number): Generator<LoadRecord[]> {
    for (let slip = 0; this.#events < events; slip += slipsAtOnce) {
      const lives = Array.from({ length: slipsAtOnce }, (_, n) => lifeOf(this.#random, slip + n));
      const turns = this.#random.shuffle(lives.flatMap((life, n) => life.map(() => n)));
      yield turns.flatMap((n) => this.#told(slip + n, lives[n]!.shift()!));
    }
  }

  #told(slip: number, event: SlipEvent): LoadRecord[] {
    const key = `00000000-0000-7000-8000-${slip.toString(16).padStart(12, '0')}`;
    const partition = partitionOf(key, partitionsDefault);
    const source = sourceOf(event.type);
    const place = `${source} ${partition}`;
    const sequence = (this.#sequences.get(place) ?? 0) + 1;
    this.#sequences.set(place, sequence);
    this.#events += 1;
    const time = addMs(start, this.#events);
    const head = { id: `e-${this.#events}`, source, subject: key, clock: 'wall', traceparent: undefined };
    const stamp = { sequence: String(sequence), time, receivedTime: time };
    const value = stampEnvelope(encodeSlipEvent(head, event), stamp);
    const record = { topic: topics.events.name, partition, key, value };
    const latest = this.#latest.get(partition) ?? [];
    this.#latest.set(partition, [...latest.slice(1 - resendableMax), record]);
    if (!this.#random.chance(resendsShare)) return [record];
    this.#resends += 1;
    return [record, this.#random.pick(this.#latest.get(partition)!)];
  }
}

const provider = 'acme';
const notExecuted: SlipEvent[] = [
  { type: 'SlipOverdue', data: { stage: 'returned', deadline: start } },
  { type: 'SlipNotReturned', data: { basis: 'not_executed', deadline: start } },
];
const asked: SlipEvent = {
  type: 'RefundRequested',
  data: { basis: 'not_executed', requestedBy: 'reconciliation' },
};

function returned(
  outcome: 'succeeded' | 'failed' | 'void',
  more: Partial<DataOf<'SlipReturned'>> = {},
): SlipEvent {
  return {
    type: 'SlipReturned',
    data: {
      ...{ provider, outcome, reason: null, amount: null, evidence: 'signed_callback' },
      ...{ providerReference: 'p-1', providerTime: null },
      ...more,
    },
  };
}

/** What comes after the submission; the usual one more often than all others. */
function courseOf(random: SeededRandom, amount: Money): SlipEvent[] {
  if (random.chance(0.6)) return [returned('succeeded')];
  const part = (units: bigint, providerReference: string) =>
    returned('succeeded', { amount: { ...amount, amount: units }, providerReference });
  const third = amount.amount / 3n + 1n;
  return random.pick<SlipEvent[]>([
    [],
    [part(third, 'p-1'), part(third, 'p-2'), part(third, 'p-2'), part(amount.amount - 2n * third, 'p-3')],
    [part(amount.amount + 1n, 'p-1'), asked, returned('failed')],
    [returned('succeeded', { amount: { ...amount, currency: 'XTS' } }), part(amount.amount, 'p-2')],
    [returned('failed', { reason: 'AC04' }), asked],
    [...notExecuted, asked, asked, returned('succeeded')],
    [returned('succeeded'), returned('failed'), asked],
    [returned('succeeded'), returned('failed'), returned('void', { evidence: 'statement_line' })],
  ]);
}

function lifeOf(random: SeededRandom, slip: number): SlipEvent[] {
  const { data } = submittedAt(slip, start, { provider, payers: 5_000, deadlineMs: 5_000 }) as Extract<
    SlipEvent,
    { type: 'SlipSubmitted' }
  >;
  const amount = {
    amount: random.chance(0.01) ? 2n ** 62n : BigInt(random.integer(10, 1_000_000)),
    currency: random.pick(['EUR', 'EUR', 'EUR', 'JPY', 'KWD']),
  };
  const terms: DataOf<'SlipSubmitted'> = {
    ...data,
    kind: random.pick(['order', 'order', 'payment', 'payout']),
    overdraft: random.chance(0.7),
    amount: random.chance(0.02) ? null : amount,
  };
  const taken: SlipEvent = {
    type: 'SlipAcknowledged',
    data: { provider, providerReference: 'p-1', evidence: 'synchronous_reply', providerTime: null },
  };
  return [{ type: 'SlipSubmitted', data: terms }, taken, ...courseOf(random, amount)];
}
