import {
  encodeSlipEvent,
  partitionsDefault,
  type Source,
  sources,
  stampEnvelope,
} from '@slipstream/contracts';
import { partitionOf } from '@slipstream/kafka';
import { addMs } from '@slipstream/kernel';
import type { SlipEvent } from '@slipstream/slip';
import { acknowledged, returned, submittedAt } from './generator.ts';

/** A record as the ledger reads it. */
export interface LedgerRecord {
  readonly partition: number;
  readonly offset: number;
  readonly value: Buffer;
}

const start = '2026-01-01T00:00:00.000000Z';
/** Slips that lie between two events of one: no two of them fall into one unit of work, of half the partitions either. */
const apart = 3_000;
const steps = 4;

/** The numbers and offsets that the partitions give. */
export class Places {
  readonly #offsets = new Map<number, number>();
  readonly #numbers = new Map<string, number>();

  /** As the relay of its source sends it. */
  stamped(partition: number, source: Source, time: string, body: Uint8Array): Buffer {
    const number = (this.#numbers.get(`${partition} ${source}`) ?? 0) + 1;
    this.#numbers.set(`${partition} ${source}`, number);
    return stampEnvelope(body, { sequence: String(number), time, receivedTime: time });
  }

  /** As it is read from Kafka, behind those before it. */
  record(partition: number, value: Buffer): LedgerRecord {
    const offset = this.#offsets.get(partition) ?? 0;
    this.#offsets.set(partition, offset + 1);
    return { partition, offset, value };
  }
}

/**
 * Orders that are submitted, called for, acknowledged and returned, each step thousands of slips apart; the ledger's own
 * two events of each come back between. 10,000 payers, two providers whose settlement accounts all of them share.
 */
export function* ledgerLives(slips: number, places: Places): Generator<{ partition: number; value: Buffer }> {
  for (let turn = 0; turn < slips + (steps - 1) * apart; turn++) {
    for (let step = 0; step < steps; step++) {
      const slip = turn - step * apart;
      if (slip < 0 || slip >= slips) continue;
      const time = addMs(start, turn);
      const event = eventOf(slip, step, time);
      const subject = `00000000-0000-7000-8000-${slip.toString(16).padStart(12, '0')}`;
      const source = step === 0 ? sources.intake : sources.gateway;
      const head = {
        id: `${step}${subject.slice(1)}`,
        source,
        subject,
        clock: 'wall',
        traceparent: undefined,
      };
      const partition = partitionOf(subject, partitionsDefault);
      yield { partition, value: places.stamped(partition, source, time, encodeSlipEvent(head, event)) };
    }
  }
}

function eventOf(slip: number, step: number, time: string): SlipEvent {
  const provider = slip % 2 === 0 ? 'acme' : 'bolt';
  switch (step) {
    case 0:
      return submittedAt(slip, time, { provider, payers: 10_000, deadlineMs: 3_600_000 });
    case 1:
      return {
        type: 'DispatchIntended',
        data: {
          ...{ attempt: 1, provider, digest: 'ab'.repeat(32), notAfter: addMs(time, 5_000) },
          ...{ reason: null, detail: null },
        },
      };
    case 2:
      return acknowledged(slip, provider);
    default:
      return returned(slip, provider);
  }
}
