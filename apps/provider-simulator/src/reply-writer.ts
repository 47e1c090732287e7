import type { Socket } from 'node:net';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { markWhenDelivered } from './delivery.ts';
import type { Limits } from './limits.ts';
import { sendProblem } from './problem.ts';
import type { Finding, Reply } from './provider.ts';
import type { Timers } from './timers.ts';
import type { Wording } from './words.ts';

export interface Surroundings {
  readonly timers: Timers;
  readonly limits: Limits;
  readonly now: () => number;
}

/** Writes what the provider answers to a submission, in every way in which one can go wrong. */
export class ReplyWriter {
  readonly #around: Surroundings;
  readonly #wording: Wording;
  readonly #silent = new Set<Socket>();

  constructor(around: Surroundings, wording: Wording) {
    this.#around = around;
    this.#wording = wording;
  }

  /** @param slipId the slip that was submitted */
  async write(
    answered: Reply,
    slipId: string,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<unknown> {
    switch (answered.kind) {
      case 'word': {
        const { status, body } = this.#wording(answered.word, slipId);
        if (answered.answer) markWhenDelivered(answered.answer, request, reply, this.#around.now);
        return answered.dripped ? this.#drip(status, body, reply) : reply.code(status).send(body);
      }
      case 'server_error':
        return reply.code(500).send({ error: 'internal error' });
      case 'throttle': {
        const seconds = Math.ceil(answered.retryAfterMs / 1000);
        return reply.code(429).header('retry-after', seconds).send({ error: 'too many requests' });
      }
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
        return this.#keepSilent(request.raw.socket);
      case 'too_many': {
        const detail = 'the slip was submitted too often for the simulator to keep count';
        return sendProblem(reply, { status: 429, code: 'too_many_submissions', detail });
      }
    }
  }

  /** Answers an inquiry with what was found, as late as it is to be. */
  async tell(
    found: Finding,
    slipId: string,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<FastifyReply> {
    await this.#around.timers.sleep(found.delayMs);
    if (found.answer) markWhenDelivered(found.answer, request, reply, this.#around.now);
    const { status, body } = this.#wording(found.word, slipId);
    return reply.code(status).send(body);
  }

  /** Destroys the sockets of requests that are never answered. */
  dropSilent(): void {
    for (const socket of this.#silent) socket.destroy();
  }

  #keepSilent(socket: Socket): void {
    const { timers, limits } = this.#around;
    if (socket.destroyed || timers.stopped) {
      socket.destroy();
      return;
    }
    this.#silent.add(socket);
    const cancel = timers.after(limits.silenceMsMax, () => socket.destroy());
    socket.once('close', () => {
      cancel();
      this.#silent.delete(socket);
    });
  }

  async #drip(status: number, body: object, reply: FastifyReply): Promise<void> {
    const { timers, limits } = this.#around;
    reply.hijack();
    const bytes = Buffer.from(JSON.stringify(body));
    const { raw } = reply;
    raw.writeHead(status, { 'content-type': 'application/json', 'content-length': bytes.length });
    raw.flushHeaders();
    for (const byte of bytes) {
      await timers.sleep(limits.dripIntervalMs);
      if (raw.destroyed) return;
      raw.write(Buffer.of(byte));
    }
    raw.end();
  }
}
