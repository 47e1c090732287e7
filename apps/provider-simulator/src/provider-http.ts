import type { FastifyInstance } from 'fastify';
import { confirmRead } from './delivery.ts';
import { sendProblem } from './problem.ts';
import type { Provider, SlipSubmission } from './provider.ts';
import { ReplyWriter, type Surroundings } from './reply-writer.ts';
import { newServer } from './server.ts';
import { acceptedAt } from './truth.ts';
import type { Word } from './words.ts';

const text = { type: 'string', minLength: 1, maxLength: 256 };
const optionalText = { type: ['string', 'null'], maxLength: 256 };
/** The body of `POST /slips`. */
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

/** The provider's own API: `POST /slips`, `GET /slips/{slip_id}` and `POST /slips/{slip_id}/cancel`. */
export function providerHttp(provider: Provider, around: Surroundings): ProviderHttp {
  const app = newServer();
  const writer = new ReplyWriter(around, wordOf);
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
    return writer.write(reception.reply, submission.slip_id, request, reply);
  });

  app.get('/slips/:slip_id', async (request, reply) => {
    const { slip_id: slipId } = request.params as { slip_id: string };
    return writer.tell(provider.inquire(slipId), slipId, request, reply);
  });

  app.post('/slips/:slip_id/cancel', async (request, reply) => {
    const { slip_id: slipId } = request.params as { slip_id: string };
    return writer.tell(provider.cancel(slipId), slipId, request, reply);
  });

  return { app, dropSilent: () => writer.dropSilent() };
}

/** Each says of which slip it speaks: then it can be taken for no other's. */
function wordOf(word: Word, slipId: string): { status: number; body: object } {
  const named = { slip_id: slipId };
  if (word.what === 'unknown') return { status: 404, body: { ...named, status: 'not_found' } };
  if (word.what === 'cancelled') return { status: 200, body: { ...named, status: 'cancelled' } };
  const { providerId, outcome, reason, amount } = word.run;
  const names = { ...named, provider_id: providerId, accepted_at: acceptedAt(word.run) };
  switch (word.what) {
    case 'taken':
      return { status: 202, body: { ...names, status: 'pending' } };
    case 'rejected':
      return { status: 422, body: { ...named, status: 'rejected', reason } };
    case 'final':
      return { status: 200, body: { ...names, status: outcome, reason, amount } };
    case 'state': {
      const known = word.state === outcome ? reason : null;
      return { status: 200, body: { ...names, status: word.state, reason: known, amount } };
    }
  }
}
