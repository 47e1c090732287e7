import { type Envelope, readEnvelope, readInbound } from '@slipstream/contracts';
import type { Batch, EventWalk, Span, Subscription, UnitHandler, UnitWork } from '@slipstream/kafka';
import type { RelayProducer, Tx } from '@slipstream/postgres';
import type { OpenSpan, SpanFacts, Tracing } from './tracing.ts';

// An event says its cause's trace context, unchanged from the request that began the slip: what services do with events lies
// side by side below that request, each with its time. Records without a trace are no spans.

/** Tells of each event that is sent. */
export function tracedSends(tracing: Tracing, inner: RelayProducer): RelayProducer {
  return {
    async sendBatch(records) {
      const spans = records.flatMap(({ topic, partition, value }) =>
        begun(tracing, 'producer', { topic, partition }, () => readEnvelope(value)),
      );
      return whileOpen(spans, () => inner.sendBatch(records));
    },
    stop: async () => inner.stop?.(),
  };
}

/** Tells of each record that is handled, one by one or in units. */
export function tracedSubscription(tracing: Tracing, subscription: Subscription<Tx>): Subscription<Tx> {
  const { topic, group, units } = subscription;
  const beginAll = ({ partition, records }: Batch): OpenSpan[] =>
    records.flatMap((record) =>
      begun(tracing, 'consumer', { topic, partition, group }, () => readInbound(record)),
    );
  return {
    ...subscription,
    ...(units && { units: new TracedUnits(units, tracing, { topic, group }) }),
    handle: (tx, batch) => whileOpen(beginAll(batch), () => subscription.handle(tx, batch)),
  };
}

/** What a unit took is handled when the unit is committed; of one that failed, nothing is told. */
class TracedUnits implements UnitHandler<Tx> {
  readonly recordsMax?: number;
  readonly patienceMs?: number;
  readonly unitsAtOnce?: number;
  readonly #inner: UnitHandler<Tx>;
  readonly #tracing: Tracing;
  readonly #place: { readonly topic: string; readonly group: string };
  #taken: { readonly partition: number; readonly span: OpenSpan }[] = [];

  constructor(inner: UnitHandler<Tx>, tracing: Tracing, place: { topic: string; group: string }) {
    if (inner.recordsMax !== undefined) this.recordsMax = inner.recordsMax;
    if (inner.patienceMs !== undefined) this.patienceMs = inner.patienceMs;
    if (inner.unitsAtOnce !== undefined) this.unitsAtOnce = inner.unitsAtOnce;
    this.#inner = inner;
    this.#tracing = tracing;
    this.#place = place;
  }

  open(...place: Parameters<UnitHandler<Tx>['open']>): Promise<void> {
    return this.#inner.open(...place);
  }

  close(partition: number): void {
    this.#taken = this.#taken.filter((one) => one.partition !== partition);
    this.#inner.close(partition);
  }

  begin(partition: number): void {
    this.#inner.begin(partition);
  }

  take(partition: number, event: EventWalk): boolean {
    const isTaken = this.#inner.take(partition, event);
    if (isTaken) {
      const { bytes, valueAt, valueLength } = event;
      const place = { ...this.#place, partition };
      const value = () => readEnvelope(bytes.subarray(valueAt, valueAt + valueLength));
      for (const span of begun(this.#tracing, 'consumer', place, value))
        this.#taken.push({ partition, span });
    }
    return isTaken;
  }

  isAwaited(): boolean {
    return this.#inner.isAwaited?.() ?? true;
  }

  unit(spans: readonly Span[]): UnitWork<Tx> {
    const taken = this.#taken;
    this.#taken = [];
    const work = this.#inner.unit(spans);
    return {
      prepare: async () => work.prepare?.(),
      write: (tx) => work.write(tx),
      committed() {
        for (const { span } of taken) span.end();
        work.committed?.();
      },
    };
  }
}

interface Place {
  readonly topic: string;
  readonly partition: number;
  readonly group?: string;
}

/** The record's span; none when it has no trace, or cannot be read: what is wrong with it is told elsewhere. */
function begun(
  tracing: Tracing,
  kind: 'producer' | 'consumer',
  { topic, partition, group }: Place,
  read: () => Envelope,
): OpenSpan[] {
  const envelope = readable(read);
  if (envelope === null || envelope.traceparent === '') return [];
  const { id, type, subject, traceparent } = envelope;
  const operation = kind === 'producer' ? 'send' : 'process';
  const facts: SpanFacts = {
    'messaging.system': 'kafka',
    'messaging.operation.type': operation,
    'messaging.destination.name': topic,
    'messaging.destination.partition.id': String(partition),
    ...(group !== undefined && { 'messaging.consumer.group.name': group }),
    'messaging.message.id': id,
    'cloudevents.event_type': type,
    'cloudevents.event_subject': subject,
  };
  return [tracing.begin({ name: `${operation} ${type}`, kind, traceparent, facts })];
}

function readable(read: () => Envelope): Envelope | null {
  try {
    return read();
  } catch {
    return null;
  }
}

async function whileOpen<T>(spans: readonly OpenSpan[], work: () => Promise<T>): Promise<T> {
  try {
    const result = await work();
    for (const span of spans) span.end();
    return result;
  } catch (error) {
    for (const span of spans) span.end(undefined, error);
    throw error;
  }
}
