import type { FastifyInstance } from 'fastify';
import { confirmRead, markWhenDelivered } from './delivery.ts';
import { sendProblem } from './problem.ts';
import type { Provider, SlipSubmission } from './provider.ts';
import { ReplyWriter, type Surroundings } from './reply-writer.ts';
import { newServer } from './server.ts';

const text = { type: 'string', minLength: 1, maxLength: 256 };
const optionalText = { type: ['string', 'null'], maxLength: 256 };
const submissionSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['slip_id', 'reference', 'kind', 'account', 'counterparty', 'amount'],
  properties: {
    slip_id: text,
    reference: text,
    kind: text,
    account: optionalText,
    counterparty: optionalText,
    amount: {
      type: ['object', 'null'],
      additionalProperties: false,
      required: ['amount', 'currency'],
      properties: {
        amount: { type: 'string', pattern: '^[0-9]{1,19}$' },
        currency: { type: 'string', pattern: '^[A-Z]{3}$' },
      },
    },
    attempt: { type: 'integer', minimum: 1, maximum: 1_000_000, default: 1 },
  },
};

export interface ProviderHttp {
  readonly app: FastifyInstance;
  /** Destroys the sockets of requests that are never answered. */
  dropSilent(): void;
}

/** The provider's own API: `POST /slips` and `GET /slips/{slip_id}`. */
export function providerHttp(provider: Provider, around: Surroundings): ProviderHttp {
  const app = newServer();
  const writer = new ReplyWriter(around);
  app.addHook('onRequest', async ({ raw }) => confirmRead(raw.socket));

  app.post('/slips', { schema: { body: submissionSchema } }, async (request, reply) => {
    const submission = request.body as SlipSubmission;
    const key = request.headers['idempotency-key'];
    if (key !== undefined && key !== submission.slip_id) {
      const detail = `the Idempotency-Key "${String(key)}" is not the slip_id`;
      return sendProblem(reply, { status: 400, code: 'invalid_request', detail });
    }
    const reception = provider.receive(submission);
    await around.timers.sleep(reception.latencyMs);
    return writer.write(reception.reply, request, reply);
  });

  app.get('/slips/:slip_id', async (request, reply) => {
    const found = provider.inquire((request.params as { slip_id: string }).slip_id);
    if (!found) return reply.code(404).send({ status: 'not_found' });
    if (found.answer) markWhenDelivered(found.answer, request, reply, around.now);
    return reply.send(found.body);
  });

  return { app, dropSilent: () => writer.dropSilent() };
}
