import {
  applyDecorators,
  type CanActivate,
  createParamDecorator,
  type ExecutionContext,
  SetMetadata,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { ApiExtension, ApiSecurity } from '@nestjs/swagger';
import { must, SlipstreamError } from '@slipstream/kernel';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { CallerIdentity, VerifyToken } from './token.ts';

const publicKey = 'slipstream:public';
const scopesKey = 'slipstream:scopes';

/** The OpenAPI extension that marks an operation without a token. */
export const publicExtension = 'x-public';

declare module 'fastify' {
  interface FastifyRequest {
    caller?: CallerIdentity;
  }
}

/** Opens a route or a controller to everybody. */
export const Public = () =>
  applyDecorators(SetMetadata(publicKey, true), ApiExtension(publicExtension, true));

/** Opens a route or a controller to tokens that have every one of `scopes`. */
export const Scopes = (...scopes: readonly [string, ...string[]]) =>
  applyDecorators(SetMetadata(scopesKey, scopes), ApiSecurity('bearer', [...scopes]));

/** Controller parameter: who is calling. Only on routes that need a token. */
export const Caller = createParamDecorator((_: unknown, context: ExecutionContext): CallerIdentity => {
  const { caller } = context.switchToHttp().getRequest<FastifyRequest>();
  return must(caller, '@Caller() on a @Public() route');
});

/** Default deny: a route that says neither `@Public()` nor `@Scopes(…)` is closed to everybody. */
export class AuthGuard implements CanActivate {
  private readonly reflector = new Reflector();

  constructor(private readonly verify: VerifyToken) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const targets = [context.getHandler(), context.getClass()];
    if (this.reflector.getAllAndOverride<boolean>(publicKey, targets)) return true;
    const http = context.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const reply = http.getResponse<FastifyReply>();
    const caller = await this.authenticate(request, reply);
    const needed = this.reflector.getAllAndOverride<readonly string[] | undefined>(scopesKey, targets);
    if (!needed) throw new SlipstreamError('forbidden', 'This route is open to nobody.');
    const missing = needed.filter((scope) => !caller.scopes.includes(scope));
    if (missing.length > 0) {
      challenge(reply, `error="insufficient_scope", scope="${needed.join(' ')}"`);
      throw new SlipstreamError('forbidden', `The token lacks the scope ${missing.join(' ')}.`);
    }
    request.caller = caller;
    return true;
  }

  private async authenticate(request: FastifyRequest, reply: FastifyReply): Promise<CallerIdentity> {
    const token = /^Bearer +([\w~+/.-]+=*)$/i.exec(request.headers.authorization ?? '')?.[1];
    if (token === undefined) {
      challenge(reply);
      throw new SlipstreamError('unauthenticated', 'Send an Authorization header with a bearer token.');
    }
    try {
      return await this.verify(token);
    } catch (error) {
      challenge(reply, 'error="invalid_token"');
      throw error;
    }
  }
}

/** RFC 6750 section 3. */
function challenge(reply: FastifyReply, parameters?: string): void {
  reply.header('www-authenticate', ['Bearer realm="slipstream"', parameters].filter(Boolean).join(', '));
}
