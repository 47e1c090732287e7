import { STATUS_CODES } from 'node:http';
import type { FastifyError, FastifyInstance, FastifyReply } from 'fastify';

export interface Problem {
  readonly status: number;
  /** Stable name of the error. */
  readonly code: string;
  readonly detail: string;
  /** JSON Pointer to the part of the body that is wrong. */
  readonly pointer?: string;
}

/** Answers with RFC 9457 problem details. */
export function sendProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  const { status, code, detail, pointer } = problem;
  const body = { type: 'about:blank', title: STATUS_CODES[status] ?? 'Error', status, code, detail, pointer };
  // Bytes, because Fastify adds a charset to a string's type.
  const bytes = Buffer.from(JSON.stringify(body));
  return reply.code(status).header('content-type', 'application/problem+json').send(bytes);
}

/** Turns every error and unknown path of the server into problem details. */
export function useProblems(app: FastifyInstance): void {
  app.setNotFoundHandler((request, reply) => {
    const detail = `there is nothing at ${request.method} ${request.url.split('?')[0]}`;
    return sendProblem(reply, { status: 404, code: 'not_found', detail });
  });
  app.setErrorHandler((error: FastifyError, _request, reply) => {
    const status = error.statusCode ?? 500;
    if (status >= 500) {
      console.error(error);
      return sendProblem(reply, { status: 500, code: 'internal_error', detail: 'the simulator failed' });
    }
    const invalid = error.validation?.[0];
    if (!invalid) return sendProblem(reply, { status, code: 'bad_request', detail: error.message });
    const unknown = invalid.params.additionalProperty;
    const detail = unknown === undefined ? error.message : `${error.message}: "${String(unknown)}"`;
    return sendProblem(reply, { status, code: 'invalid_request', detail, pointer: invalid.instancePath });
  });
}
