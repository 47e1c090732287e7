import { type ArgumentsHost, Catch, type ExceptionFilter, Logger, NotFoundException } from '@nestjs/common';
import { classifyDatabaseError } from '@slipstream/postgres';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { logIdsOf } from './log-ids.ts';
import {
  type Problem,
  problemHeaders,
  problemMediaType,
  problemOf,
  renderProblem,
  toProblem,
} from './problem.ts';
import type { RouteTable } from './route-table.ts';

/** Turns everything thrown in a request into an RFC 9457 answer. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  private readonly logger = new Logger('Http');

  constructor(private readonly routes: RouteTable) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<FastifyRequest>();
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    const problem = this.withAllow(error, request, reply) ?? cutOff(request) ?? toProblem(error);
    // Work that is not let in is counted, not logged: there is most of it when there is least time.
    // What callers do wrong neither: who looks for one of them sets LOG_LEVEL to debug.
    if (problem.status < 500)
      this.logger.debug(`${request.method} ${request.url} answered ${problem.status} ${problem.code}`, {
        ...logIdsOf(request),
      });
    else if (problem.code !== 'overloaded') this.log(error, problem, request);
    if (reply.sent || reply.raw.headersSent) {
      // A stream that fails half-way cannot change its status: cutting it is the only honest answer.
      reply.raw.destroy();
      return;
    }
    sendProblem(reply, problem, request.id);
  }

  /** An unknown path is 404; a known path with another method is 405 and names the methods (RFC 9110 15.5.6). */
  private withAllow(error: unknown, request: FastifyRequest, reply: FastifyReply): Problem | null {
    if (!(error instanceof NotFoundException) || !request.is404) return null;
    const methods = this.routes.methodsOf(request.url);
    if (methods.length === 0) return problemOf('not_found', 'There is nothing at this address.');
    reply.header('allow', methods.join(', '));
    return problemOf('method_not_allowed', `Use ${methods.join(' or ')}.`);
  }

  private log(error: unknown, { code, status }: Problem, request: FastifyRequest): void {
    const failure = error instanceof Error ? error : new Error(String(error));
    const route = `${request.method} ${request.routeOptions.url ?? 'unmatched'}`;
    // What nobody mends but people.
    const isError = code === 'internal' || classifyDatabaseError(error) === 'setup';
    this.logger[isError ? 'error' : 'warn'](`${route} answered ${status} ${code}`, {
      ...logIdsOf(request),
      error: describe(failure),
    });
  }
}

/** A caller that hung up in the middle of its body: nothing failed here, and nobody reads the answer. */
function cutOff({ raw }: FastifyRequest): Problem | null {
  if (raw.complete || !raw.destroyed) return null;
  return problemOf('malformed_request', 'The connection ended before the body was whole.');
}

function describe(error: Error): Record<string, unknown> {
  const cause = error.cause instanceof Error ? describe(error.cause) : error.cause;
  return { name: error.name, message: error.message, stack: error.stack, ...(cause ? { cause } : {}) };
}

export function sendProblem(reply: FastifyReply, problem: Problem, requestId: string): void {
  for (const [name, value] of Object.entries(problemHeaders(problem))) {
    if (!reply.hasHeader(name)) reply.header(name, value);
  }
  reply.code(problem.status).type(problemMediaType).send(renderProblem(problem, requestId));
}
