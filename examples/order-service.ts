// A service that hands its orders to Slipstream and knows what became of each, over HTTP:
//   POST /orders {"reference":"ord-1","customer":"cust-42","cents":"1250"} → 202;   GET /orders/ord-1 → {"reference","status",…}
// KAFKA_BROKERS names the brokers, PORT the port. It keeps orders in memory, and reads the log anew when it starts.
import { createServer, type IncomingMessage } from 'node:http';
import type { EventBatch, RecordedEvent } from '@slipstream/client';
import { SendFailed, SlipstreamConsumer, SlipstreamPublisher, slipNames } from '@slipstream/client';

const caller = '/example/order-service';
const brokers = (process.env.KAFKA_BROKERS ?? 'localhost:9092').split(',');
const publisher = new SlipstreamPublisher({ brokers, caller });

const references = new Map<string, string>();
const orders = new Map<string, { reference: string; status: string; why?: string | null }>();

function take(recorded: RecordedEvent): void {
  const names = slipNames(recorded);
  if (names?.caller === caller) references.set(recorded.slipId, names.reference);
  const reference = references.get(recorded.slipId);
  if (reference === undefined) return; // somebody else's
  const { type, data } = recorded.event;
  if (type === 'SlipSubmitted') orders.set(reference, { reference, status: 'accepted' });
  if (type === 'SlipRejected') orders.set(reference, { reference, status: 'refused', why: data.detail });
  if (type === 'SlipReturned') orders.set(reference, { reference, status: data.outcome, why: data.reason });
  if (type === 'SlipOverdue') orders.set(reference, { reference, status: 'late' });
  if (type === 'SlipRefunded') orders.set(reference, { reference, status: 'refunded', why: data.reason });
}

async function submit(request: IncomingMessage): Promise<string> {
  const { reference, customer, cents } = JSON.parse((await request.toArray()).join(''));
  const amount = { amount: BigInt(cents), currency: 'EUR' };
  const order = { reference, kind: 'order', account: customer, counterparty: 'shop-7', amount } as const;
  return publisher.submitSlip({ ...order, id: reference }); // its own id: asked twice, it is one order
}

const server = createServer(async (request, response) => {
  const answer = (status: number, body: object) => response.writeHead(status).end(JSON.stringify(body));
  const reference = /^\/orders\/([^/]+)$/.exec(request.url ?? '')?.[1];
  try {
    if (request.method === 'GET' && reference) {
      const order = orders.get(decodeURIComponent(reference));
      return answer(order ? 200 : 404, order ?? { title: 'no such order yet' });
    }
    if (request.method !== 'POST' || request.url !== '/orders') return answer(404, { title: 'not found' });
    answer(202, { id: await submit(request) });
  } catch (error) {
    answer(error instanceof SendFailed ? 503 : 400, { title: String(error) });
  }
});

function onFatal(error: Error): void {
  console.error(error);
  process.exit(1);
}
const onBatch = ({ events }: EventBatch) => events.forEach(take);
const consumer = new SlipstreamConsumer({ brokers, caller, from: 'beginning', onBatch, onFatal });
await consumer.start();
server.listen(Number(process.env.PORT ?? 8088), () => console.log(JSON.stringify(server.address())));
process.once('SIGTERM', () => server.close(() => void Promise.all([consumer.stop(), publisher.stop()])));
