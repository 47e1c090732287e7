import type { Instant } from '@slipstream/kernel';
import type { InquiryOutcome, ProviderAnswer } from '../provider/answer.ts';
import type { Dispatch, Step } from './state.ts';

/** For specs: a slip that is due at `t0`. */
export const t0: Instant = '2026-11-22T10:00:00.000000Z';

export function dispatch(more: Partial<Dispatch> = {}): Dispatch {
  return {
    slipId: '0199d2a0-0000-7000-8000-000000000001',
    partition: 3,
    clock: 'wall',
    caller: 'shop',
    reference: 'ord-1',
    kind: 'order',
    account: 'cust-42',
    counterparty: 'shop-7',
    amount: { amount: 1250n, currency: 'EUR' },
    route: 'default',
    mode: 'dispatched',
    provider: 'acme',
    choice: null,
    earlier: [],
    deadline: '2026-11-22T10:00:05.000000Z',
    policy: { graceMs: 0, quietPeriodMs: 2_000, inquiryLadderMs: [0] },
    traceparent: '',
    status: 'held',
    attempt: 0,
    notAfter: null,
    digest: null,
    owner: null,
    leaseUntil: null,
    nextAt: t0,
    sentMaybe: false,
    pollAt: null,
    acknowledged: false,
    lastStep: null,
    outcome: null,
    evidence: null,
    providerReference: null,
    told: [],
    firstNotFoundAt: null,
    closedForDispatch: false,
    refunded: false,
    lateSuccess: null,
    seenResults: [],
    ...more,
  };
}

export const limits = { connectTimeoutMs: 1_000, answerTimeoutMs: 3_000, acceptanceDelayMaxMs: 1_000 };

const words = { providerReference: 'p-1', providerTime: null };
export const pending: ProviderAnswer = { kind: 'acknowledged', ...words };
export const inProgress: ProviderAnswer = { kind: 'progressed', step: 'in_progress', ...words };

export const doubtful: ProviderAnswer = { kind: 'doubtful', doubt: 'word_unknown', said: 'MAYBE', ...words };

/** The provider's NOT_FOUND. */
export const denied: InquiryOutcome = {
  ...({ kind: 'not_found' } as const),
  raw: { status: 404, body: Buffer.from('{"status":"not_found"}') },
};

export function final(outcome: 'succeeded' | 'failed' | 'void'): ProviderAnswer & { kind: 'returned' } {
  return { kind: 'returned', outcome, reason: null, amount: null, ...words };
}

export function typesOf(step: Step): string[] {
  return step.events.map(({ event }) => event.type);
}
