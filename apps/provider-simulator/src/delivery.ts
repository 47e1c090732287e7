import type { Socket } from 'node:net';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Answer } from './truth.ts';

/** Per connection the answer that went out on it last, until something shows that it was read. */
const unread = new WeakMap<Socket, Answer | null>();

/**
 * An answer counts as delivered when its last byte went to an open connection, unless the connection is then reset
 * before anything else comes over it: TCP resets when the reader's process ended with bytes it had not read (RFC 1122,
 * 4.2.2.13). The listener goes first, because Node's own one parts the response from its socket.
 */
export function markWhenDelivered(
  answer: Answer,
  request: FastifyRequest,
  reply: FastifyReply,
  now: () => number,
): void {
  const { socket } = request.raw;
  reply.raw.prependOnceListener('finish', () => {
    if (socket.destroyed || socket.readableEnded) return;
    answer.deliveredAtMs = now();
    unread.set(socket, answer);
  });
}

/** A request has come: what went out on its connection before was read. */
export function confirmRead(socket: Socket): void {
  if (!unread.has(socket)) socket.once('close', (wasReset) => wasReset && withdraw(socket));
  unread.set(socket, null);
}

function withdraw(socket: Socket): void {
  const answer = unread.get(socket);
  if (answer) answer.deliveredAtMs = null;
}
