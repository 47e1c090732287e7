import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { SlipstreamError } from '@slipstream/kernel';
import type { FastifyRequest } from 'fastify';
import { preferred } from './accept.ts';
import { jsonType, offersKey } from './lists.ts';

/** Refuses a question that asks for an answer in a form that its route does not have (RFC 9110 section 15.5.7). */
export class AcceptGuard implements CanActivate {
  private readonly reflector = new Reflector();

  canActivate(context: ExecutionContext): boolean {
    const { method, url, headers } = context.switchToHttp().getRequest<FastifyRequest>();
    const isQuestion = (method === 'GET' || method === 'HEAD') && url.startsWith('/v1/');
    if (!isQuestion) return true;
    const targets = [context.getHandler(), context.getClass()];
    const offers = this.reflector.getAllAndOverride<readonly string[] | undefined>(offersKey, targets);
    if (preferred(headers.accept, offers ?? [jsonType]) !== null) return true;
    const known = (offers ?? [jsonType]).join(', ');
    throw new SlipstreamError(
      'not_acceptable',
      `The answer comes as ${known}; ask for one of them in Accept.`,
    );
  }
}
