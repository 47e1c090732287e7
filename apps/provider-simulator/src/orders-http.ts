import type { FastifyReply, FastifyRequest } from 'fastify';
import { confirmRead } from './delivery.ts';
import { sendProblem } from './problem.ts';
import type { Provider, SlipSubmission } from './provider.ts';
import type { ProviderHttp } from './provider-http.ts';
import { ReplyWriter, type Surroundings } from './reply-writer.ts';
import { newServer } from './server.ts';
import type { StatementLine } from './statement.ts';
import { acceptedAt } from './truth.ts';
import type { Word } from './words.ts';

const text = { type: 'string', minLength: 1, maxLength: 256 };
const optionalText = { type: ['string', 'null'], maxLength: 256 };
/** The body of `POST /v2/orders`. */
const orderSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['order_ref', 'type', 'amount_minor', 'currency', 'payer', 'payee'],
  properties: {
    order_ref: text,
    type: text,
    amount_minor: { type: ['string', 'null'], pattern: '^[0-9]{1,19}$' },
    currency: { type: ['string', 'null'], pattern: '^[A-Z]{3}$' },
    payer: optionalText,
    payee: optionalText,
  },
};
const daySchema = {
  type: 'object',
  properties: { day: { type: 'string', format: 'date' } },
};

interface Order {
  readonly order_ref: string;
  readonly type: string;
  readonly amount_minor: string | null;
  readonly currency: string | null;
  readonly payer: string | null;
  readonly payee: string | null;
}

const states = {
  pending: 'accepted',
  in_progress: 'processing',
  succeeded: 'executed',
  failed: 'declined',
  void: 'cancelled',
} as const;

/**
 * A polled provider's API: orders that are taken and worked on later, asked about by our reference, and told in a
 * statement a day. An order carries no reference but the slip's id: rules match that, and the payer's account.
 */
export function ordersHttp(provider: Provider, around: Surroundings): ProviderHttp {
  const app = newServer();
  const writer = new ReplyWriter(around, wordOf);
  const tries = new Tries(around.limits.truthSlipsMax);
  app.addHook('onRequest', async (request, reply) => {
    confirmRead(request.raw.socket);
    if (request.headers['x-api-key'] === provider.config.secret) return;
    return reply.code(401).send({ error: 'unauthorized' });
  });

  app.post('/v2/orders', { schema: { body: orderSchema } }, async (request, reply) => {
    const order = request.body as Order;
    if ((order.amount_minor === null) !== (order.currency === null)) {
      const detail = 'amount_minor and currency go together: both or neither';
      return sendProblem(reply, { status: 400, code: 'invalid_request', detail, pointer: '/currency' });
    }
    const reception = provider.receive(submissionOf(order, tries.next(order.order_ref)));
    await around.timers.sleep(reception.latencyMs);
    return writer.write(reception.reply, order.order_ref, request, reply);
  });

  app.get('/v2/orders/:order_ref', async (request, reply) => {
    const { order_ref: slipId } = request.params as { order_ref: string };
    return writer.tell(provider.inquire(slipId), slipId, request, reply);
  });

  app.get('/v2/statements/:day', { schema: { params: daySchema } }, async (request, reply) =>
    sendStatement(provider, request, reply),
  );

  return { app, dropSilent: () => writer.dropSilent() };
}

function submissionOf(order: Order, attempt: number): SlipSubmission {
  const { order_ref: ref, amount_minor: amount, currency } = order;
  return {
    slip_id: ref,
    reference: ref,
    kind: order.type,
    account: order.payer,
    counterparty: order.payee,
    amount: amount === null || currency === null ? null : { amount, currency },
    attempt,
  };
}

function wordOf(word: Word, slipId: string): { status: number; body: object } {
  switch (word.what) {
    case 'unknown':
      return { status: 404, body: { error: 'unknown_order', order_ref: slipId } };
    case 'state':
      return { status: 200, body: order(word.run, slipId, states[word.state]) };
    case 'taken':
      return {
        status: word.again ? 409 : 202,
        body: { order_ref: slipId, state: 'accepted', accepted_at: acceptedAt(word.run) },
      };
    case 'cancelled':
    case 'final':
    case 'rejected':
      throw new Error(`a polled provider answers no order with its outcome, and cancels none: ${slipId}`);
  }
}

function order(run: Extract<Word, { what: 'state' }>['run'], ref: string, state: string) {
  const { providerId, amount, reason } = run;
  return {
    order_ref: ref,
    state,
    ...{ provider_id: providerId, accepted_at: acceptedAt(run) },
    amount_minor: amount?.amount ?? null,
    currency: amount?.currency ?? null,
    reason: state === 'declined' || state === 'cancelled' ? reason : null,
  };
}

function sendStatement(provider: Provider, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const { day } = request.params as { day: string };
  const head = 'order_ref,provider_id,state,amount_minor,currency,booked_at';
  const lines = [head, ...provider.statement(day).map(csvLine)];
  return reply.type('text/csv; charset=utf-8').send(`${lines.join('\r\n')}\r\n`);
}

function csvLine({ slip_id, provider_id, outcome, amount, executed_at }: StatementLine): string {
  const fields = [slip_id, provider_id, states[outcome], amount?.amount, amount?.currency, executed_at];
  return fields.map((field) => csvField(field ?? '')).join(',');
}

/** RFC 4180: quoted where it holds a comma, a quote or a line's end. */
function csvField(field: string): string {
  return /[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}

/** How often each order was submitted: orders do not say it themselves, and faults depend on it. */
class Tries {
  readonly #counts = new Map<string, number>();
  readonly #ordersMax: number;

  constructor(ordersMax: number) {
    this.#ordersMax = ordersMax;
  }

  next(ref: string): number {
    const count = (this.#counts.get(ref) ?? 0) + 1;
    this.#counts.set(ref, count);
    if (this.#counts.size > this.#ordersMax) this.#counts.delete(this.#counts.keys().next().value ?? '');
    return count;
  }
}
