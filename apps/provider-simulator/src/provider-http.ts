import type { Socket } from 'node:net';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Limits } from './limits.ts';
import { sendProblem } from './problem.ts';
import type { Provider, Reply, SlipSubmission } from './provider.ts';
import { newServer } from './server.ts';
import type { Timers } from './timers.ts';
import type { Answer } from './truth.ts';

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

interface Surroundings {
  readonly timers: Timers;
  readonly limits: Limits;
  readonly now: () => number;
}

/** The provider's own API: `POST /slips` and `GET /slips/{slip_id}`. */
export function providerHttp(provider: Provider, around: Surroundings): ProviderHttp {
  const app = newServer();
  const silent = new Set<Socket>();
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
    return write(reception.reply, request, reply);
  });

  app.get('/slips/:slip_id', async (request, reply) => {
    const found = provider.inquire((request.params as { slip_id: string }).slip_id);
    if (!found) return reply.code(404).send({ status: 'not_found' });
    if (found.answer) markWhenDelivered(found.answer, request, reply, around.now);
    return reply.send(found.body);
  });

  async function write(answered: Reply, request: FastifyRequest, reply: FastifyReply) {
    switch (answered.kind) {
      case 'json':
        if (answered.answer) markWhenDelivered(answered.answer, request, reply, around.now);
        if (answered.dripped) return drip(answered.status, answered.body, reply);
        return reply.code(answered.status).send(answered.body);
      case 'garbage':
        return reply.type('text/html').send('<html><body>Service temporarily ]]> {"status":');
      case 'redirect':
        return reply.code(302).header('location', 'http://169.254.169.254/').send();
      case 'reset':
        reply.hijack();
        request.raw.socket.destroy();
        return;
      case 'silence':
        reply.hijack();
        return keepSilent(request.raw.socket);
      case 'too_many': {
        const detail = 'the slip was submitted too often for the simulator to keep count';
        return sendProblem(reply, { status: 429, code: 'too_many_submissions', detail });
      }
    }
  }

  function keepSilent(socket: Socket): void {
    if (socket.destroyed || around.timers.stopped) {
      socket.destroy();
      return;
    }
    silent.add(socket);
    const cancel = around.timers.after(around.limits.silenceMsMax, () => socket.destroy());
    socket.once('close', () => {
      cancel();
      silent.delete(socket);
    });
  }

  async function drip(status: number, body: object, reply: FastifyReply): Promise<void> {
    reply.hijack();
    const bytes = Buffer.from(JSON.stringify(body));
    const { raw } = reply;
    raw.writeHead(status, { 'content-type': 'application/json', 'content-length': bytes.length });
    raw.flushHeaders();
    for (const byte of bytes) {
      await around.timers.sleep(around.limits.dripIntervalMs);
      if (raw.destroyed) return;
      raw.write(Buffer.of(byte));
    }
    raw.end();
  }

  return {
    app,
    dropSilent: () => {
      for (const socket of silent) socket.destroy();
    },
  };
}

/** Per connection the answer that went out on it last, until something shows that it was read. */
const unread = new WeakMap<Socket, Answer | null>();

/**
 * An answer counts as delivered when its last byte went to an open connection, unless the connection is then reset
 * before anything else comes over it: TCP resets when the reader's process ended with bytes it had not read (RFC 1122,
 * 4.2.2.13). The listener goes first, because Node's own one parts the response from its socket.
 */
function markWhenDelivered(answer: Answer, request: FastifyRequest, reply: FastifyReply, now: () => number) {
  const { socket } = request.raw;
  reply.raw.prependOnceListener('finish', () => {
    if (socket.destroyed || socket.readableEnded) return;
    answer.deliveredAtMs = now();
    unread.set(socket, answer);
  });
}

/** A request has come: what went out on its connection before was read. */
function confirmRead(socket: Socket): void {
  if (!unread.has(socket)) socket.once('close', (wasReset) => wasReset && withdraw(socket));
  unread.set(socket, null);
}

function withdraw(socket: Socket): void {
  const answer = unread.get(socket);
  if (answer) answer.deliveredAtMs = null;
}
