import { sourceOf, topics } from '@slipstream/contracts';
import { partitionOf } from '@slipstream/kafka';
import type { Money } from '@slipstream/kernel';
import type { DataOf, Outcome, RecordedEvent, SlipEvent, SlipKind } from '@slipstream/slip';

export const eur = (amount: number | bigint): Money => ({ amount: BigInt(amount), currency: 'EUR' });

/** A time `second` seconds after the tests' epoch. */
export const at = (second: number): string =>
  `2026-11-22T10:${String(Math.floor(second / 60)).padStart(2, '0')}:${String(second % 60).padStart(2, '0')}.000000Z`;

/** The first of these names whose events lie on a partition: what lies elsewhere is in no slip's order. */
export function slipOn(partition: number, name: (n: number) => string): string {
  for (let n = 0; n < 1_000; n++) {
    const slipId = name(n);
    if (partitionOf(slipId, topics.events.partitions) === partition) return slipId;
  }
  throw new RangeError(`no slip has its events on partition ${partition}`);
}

export interface SubmittedTerms {
  readonly kind?: SlipKind;
  readonly account?: string;
  readonly counterparty?: string;
  readonly amount?: Money | null;
  readonly overdraft?: boolean;
  readonly overdraftLimit?: bigint | null;
  readonly reviewRequired?: boolean;
  readonly provider?: string | null;
  readonly reference?: string;
  readonly caller?: string;
  readonly route?: string;
}

export function submitted(terms: SubmittedTerms = {}): SlipEvent {
  const data: Extract<SlipEvent, { type: 'SlipSubmitted' }>['data'] = {
    caller: 'shop',
    reference: 'ord-1',
    kind: 'order',
    account: 'cust-1',
    counterparty: 'shop-1',
    amount: eur(1000),
    route: 'default',
    mode: 'dispatched',
    provider: 'acme',
    overdraft: false,
    reviewRequired: false,
    deadline: at(600),
    policy: { graceMs: 0, quietPeriodMs: 2000, inquiryLadderMs: [0, 1000] },
    configDigest: 'c0ffee',
    details: null,
    ...terms,
  };
  return { type: 'SlipSubmitted', data };
}

export function returned(
  outcome: Outcome,
  rest: Partial<Omit<DataOf<'SlipReturned'>, 'outcome'>> = {},
): SlipEvent {
  const data: DataOf<'SlipReturned'> = {
    provider: 'acme',
    outcome,
    reason: null,
    amount: null,
    evidence: 'signed_callback',
    providerReference: null,
    providerTime: null,
    ...rest,
  };
  return { type: 'SlipReturned', data };
}

export const refundRequested = (): SlipEvent => ({
  type: 'RefundRequested',
  data: { basis: 'not_executed', requestedBy: 'reconciliation' },
});

/** `event` as the log has it; ids and times follow from `number`. */
export function recordedAs(
  event: SlipEvent,
  number: number,
  slipId = 'slip-1',
  clock = 'wall',
): RecordedEvent {
  return {
    id: `event-${slipId}-${number}`,
    slipId,
    source: sourceOf(event.type),
    sequence: BigInt(number),
    time: at(number),
    receivedTime: at(number),
    clock,
    event,
  };
}
