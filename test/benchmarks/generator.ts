import { encodeSlipEvent, partitionsDefault, sources, stampEnvelope } from '@slipstream/contracts';
import { partitionOf } from '@slipstream/kafka';
import { addMs } from '@slipstream/kernel';
import type { SlipEvent } from '@slipstream/slip';

/** One event of the benchmark's stream, ready to be sent. */
export interface BenchEvent {
  readonly partition: number;
  readonly key: string;
  readonly source: string;
  readonly value: Buffer;
}

const start = '2026-01-01T00:00:00.000000Z';
const base = { clock: 'wall', traceparent: undefined };

/**
 * The same lives of slips every time: submitted, held, acknowledged, returned, one after the other over many slips
 * at once; every hundredth never returns. Numbers are gapless per source and partition.
 */
export function* benchEvents(count: number): Generator<BenchEvent> {
  const sequences = new Map<string, number>();
  // A little more than needed: every hundredth slip has three events.
  const slips = Math.ceil(count / 3.99) + 1;
  const window = 1_000;
  let made = 0;
  for (let first = 0; first < slips; first += window) {
    for (let step = 0; step < 4; step++) {
      for (let slip = first; slip < Math.min(first + window, slips); slip++) {
        if (step === 3 && slip % 100 === 0) continue;
        if (made++ >= count) return;
        yield event(slip, step, sequences);
      }
    }
  }
}

function event(slip: number, step: number, sequences: Map<string, number>): BenchEvent {
  const key = `00000000-0000-7000-8000-${slip.toString(16).padStart(12, '0')}`;
  const partition = partitionOf(key, partitionsDefault);
  const source = step === 0 ? sources.intake : step === 1 ? sources.ledger : sources.gateway;
  const name = `${source} ${partition}`;
  const sequence = (sequences.get(name) ?? 0) + 1;
  sequences.set(name, sequence);
  const time = addMs(start, slip + step);
  const body = encodeSlipEvent(
    { ...base, id: `${step}${key.slice(1)}`, source, subject: key },
    data(slip, step, time),
  );
  return {
    partition,
    key,
    source,
    value: stampEnvelope(body, { sequence: String(sequence), time, receivedTime: time }),
  };
}

function data(slip: number, step: number, time: string): SlipEvent {
  const provider = 'acme';
  switch (step) {
    case 0:
      return submittedAt(slip, time, { provider, payers: 5_000, deadlineMs: 5_000 });
    case 1:
      return { type: 'FundsHeld', data: { transaction: null } };
    case 2:
      return acknowledged(slip, provider);
    default:
      return returned(slip, provider);
  }
}

/** An order of one of so many payers, at one of fifty shops. */
export function submittedAt(
  slip: number,
  time: string,
  {
    provider,
    payers,
    deadlineMs,
  }: { readonly provider: string; readonly payers: number; readonly deadlineMs: number },
): SlipEvent {
  return {
    type: 'SlipSubmitted',
    data: {
      caller: 'bench',
      reference: `bench-${slip}`,
      kind: 'order',
      account: `customer-${slip % payers}`,
      counterparty: `shop-${slip % 50}`,
      amount: { amount: BigInt(100 + (slip % 10_000)), currency: 'EUR' },
      route: 'default',
      mode: 'dispatched',
      provider,
      overdraft: true,
      reviewRequired: false,
      deadline: addMs(time, deadlineMs),
      policy: { graceMs: 0, quietPeriodMs: 2_000, inquiryLadderMs: [0, 2_000, 4_000] },
      configDigest: 'bench',
      details: null,
    },
  };
}

export function acknowledged(slip: number, provider: string): SlipEvent {
  return {
    type: 'SlipAcknowledged',
    data: { provider, providerReference: `p-${slip}`, evidence: 'synchronous_reply', providerTime: null },
  };
}

export function returned(slip: number, provider: string): SlipEvent {
  return {
    type: 'SlipReturned',
    data: {
      ...{ provider, outcome: 'succeeded', reason: null, amount: null },
      ...{ evidence: 'signed_callback', providerReference: `p-${slip}`, providerTime: null },
    },
  };
}
