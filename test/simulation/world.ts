import { verdictId } from '@slipstream/contracts';
import { addMs, type Instant } from '@slipstream/kernel';
import { type PendingEvent, type RecordedEvent, type SlipEvent, wallClock } from '@slipstream/slip';
import fc from 'fast-check';
import type {
  CallOutcome,
  InquiryOutcome,
  ProviderAnswer,
} from '../../services/provider-gateway/src/domain/provider/answer.ts';
import { Gateway, Ledger, Reconciler } from './services.ts';

const start: Instant = '2026-11-22T10:00:00.000000Z';
export const deadline = addMs(start, 10_000);

type Submitted = Extract<SlipEvent, { type: 'SlipSubmitted' }>;

export function submitted(data: Partial<Submitted['data']>): Submitted {
  return {
    type: 'SlipSubmitted',
    data: {
      ...{ caller: 'shop', reference: 'ord-1', kind: 'order', account: 'cust-1', counterparty: 'shop-1' },
      ...{
        amount: { amount: 1250n, currency: 'EUR' },
        route: 'default',
        mode: 'dispatched',
        provider: 'acme',
      },
      ...{ overdraft: true, reviewRequired: false, deadline, configDigest: '', details: null },
      policy: { graceMs: 0, quietPeriodMs: 1_000, inquiryLadderMs: [0, 2_000] },
      ...data,
    },
  };
}

const words = { providerReference: 'p-1', providerTime: null };
const returned = (
  outcome: 'succeeded' | 'failed' | 'void',
  amount: bigint | null = null,
): ProviderAnswer => ({
  ...{ kind: 'returned', outcome, reason: null, ...words },
  amount: amount === null ? null : { amount, currency: 'EUR' },
});
const answers: readonly ProviderAnswer[] = [
  { kind: 'acknowledged', ...words },
  { kind: 'progressed', step: 'shipped', ...words },
  { kind: 'progressed', step: 'delivered', ...words },
  returned('succeeded'),
  returned('succeeded', 1_000n),
  returned('succeeded', 125_000n),
  returned('failed'),
  returned('void'),
];
const calls: readonly CallOutcome[] = [
  { kind: 'not_sent', reason: 'connection_refused', detail: '' },
  { kind: 'unanswered', reason: 'timeout', detail: '' },
  { kind: 'unanswered', reason: 'restart', detail: '' },
  ...answers.map((answer) => ({ kind: 'answered', answer }) as const),
];
const denied: InquiryOutcome = { kind: 'not_found', raw: { status: 404, body: Buffer.from('{}') } };
const replies: readonly InquiryOutcome[] = [
  denied,
  denied,
  { kind: 'no_answer', detail: '' },
  ...answers.map((answer) => ({ kind: 'answered', answer }) as const),
];

const reader = fc.constantFrom<'gateway' | 'ledger' | 'reconciler'>('gateway', 'ledger', 'reconciler');
/** What happens next, and how long after what happened before. */
export const turn = fc.record({
  afterMs: fc.oneof({ weight: 4, arbitrary: fc.nat(300) }, fc.nat(8_000)),
  what: fc.oneof(
    { weight: 6, arbitrary: fc.record({ type: fc.constant('read' as const), reader, count: fc.nat(6) }) },
    fc.record({ type: fc.constant('call ends' as const), outcome: fc.constantFrom(...calls) }),
    fc.record({ type: fc.constant('provider speaks' as const), answer: fc.constantFrom(...answers) }),
    fc.record({ type: fc.constant('provider is asked' as const), outcome: fc.constantFrom(...replies) }),
    fc.constantFrom({ type: 'gateway sends' as const }, { type: 'reconciler looks' as const }),
  ),
});
type Turn = typeof turn extends fc.Arbitrary<infer Value> ? Value : never;

/** Of one slip: how it begins, and its turns. */
export const life = fc.record({
  terms: fc.constantFrom<Partial<Submitted['data']>>(
    {},
    {},
    {},
    { mode: 'reported', provider: null },
    { amount: null },
  ),
  turns: fc.array(turn, { minLength: 10, maxLength: 60, size: 'max' }),
});
export type Life = typeof life extends fc.Arbitrary<infer Value> ? Value : never;

/** One slip, its log, and the services that read it and add to it. */
export class World {
  readonly log: RecordedEvent[] = [];
  readonly gateway = new Gateway();
  readonly ledger = new Ledger();
  readonly reconciler: Reconciler;
  #now = start;
  readonly #read = { gateway: 0, ledger: 0, reconciler: 0 };

  constructor(terms: Life['terms']) {
    let ids = 0;
    this.reconciler = new Reconciler({
      newId: () => `e-${++ids}`,
      overdueId: verdictId,
    });
    const place = { slipId: 'slip-1', partition: 0, clock: wallClock };
    this.#publish('intake', [{ ...place, event: submitted(terms), receivedAt: null }]);
  }

  static of({ terms, turns }: Life): World {
    const world = new World(terms);
    for (const one of turns) world.take(one);
    return world;
  }

  get now(): Instant {
    return this.#now;
  }

  take({ afterMs, what }: Turn): void {
    this.#now = addMs(this.#now, afterMs);
    switch (what.type) {
      case 'read':
        this.#reads(what.reader, what.count);
        break;
      case 'gateway sends':
        this.#publish('gateway', this.gateway.intend(this.#now));
        break;
      case 'call ends':
        this.#publish('gateway', this.gateway.callEnds(what.outcome, this.#now));
        break;
      case 'provider speaks':
        this.#publish('gateway', this.gateway.hear(what.answer, this.#now));
        break;
      case 'provider is asked':
        this.#publish('gateway', this.gateway.inquire(what.outcome, this.#now));
        break;
      case 'reconciler looks':
        this.#looks();
        break;
      default:
        what satisfies never;
    }
  }

  /** Nobody lags here: to judge, it is enough that everything was read (rule 6). */
  #looks(): void {
    this.#reads('reconciler', this.log.length);
    this.#publish('reconciler', this.reconciler.judge(this.#now));
    this.#publish('reconciler', this.reconciler.decide({ type: 'step_due' }, this.#now));
  }

  #reads(name: 'gateway' | 'ledger' | 'reconciler', count: number): void {
    for (let read = 0; read < count && this.#read[name] < this.log.length; read++) {
      const recorded = this.log[this.#read[name]++]!;
      if (name === 'ledger') this.#publish(name, this.ledger.read(recorded));
      // Both take their own events for read: they were folded when they were decided.
      else if (recorded.source !== name) this.#publish(name, this[name].read(recorded, this.#now));
    }
  }

  #publish(source: string, events: readonly PendingEvent[]): void {
    for (const { id, slipId, clock, event, receivedAt } of events) {
      // In commit order time never stands still, so that no two events of a life share an instant.
      this.#now = addMs(this.#now, 1);
      const index = this.log.length;
      this.log.push({
        ...{ id: id ?? `${source}-${index}`, slipId, source, sequence: BigInt(index + 1), clock, event },
        ...{ time: this.#now, receivedTime: receivedAt ?? this.#now },
      });
    }
  }
}
