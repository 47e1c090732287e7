import {
  applyDecorators,
  type CanActivate,
  createParamDecorator,
  type ExecutionContext,
  SetMetadata,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { ApiExtension } from '@nestjs/swagger';
import type { CallerIdentity, Scope, VerifyToken } from '@slipstream/identity';
import { must, SlipstreamError } from '@slipstream/kernel';
import type { FastifyReply, FastifyRequest } from 'fastify';

const accessKey = 'slipstream:access';

/** Who may call a route: everybody, or tokens that have every one of the scopes. */
export type Access = 'public' | readonly string[];

/** The OpenAPI extension that carries the {@link Access} of an operation to its description. */
export const accessExtension = 'x-access';

declare module 'fastify' {
  interface FastifyRequest {
    caller?: CallerIdentity;
  }
}

/** Opens a route or a controller to everybody. What a route says goes before what its controller says. */
export const Public = () => allow('public');

/** Opens a route or a controller to tokens that have every one of `scopes`. */
export const Scopes = (...scopes: readonly [Scope, ...Scope[]]) => allow(scopes);

const allow = (access: Access) =>
  applyDecorators(SetMetadata(accessKey, access), ApiExtension(accessExtension, access));

/** Who is calling. Only on routes that need a token. */
export function callerOf({ caller }: Pick<FastifyRequest, 'caller'>): CallerIdentity {
  return must(caller, 'the caller of a @Public() route');
}

/** Controller parameter: {@link callerOf}. */
export const Caller = createParamDecorator((_: unknown, context: ExecutionContext) =>
  callerOf(context.switchToHttp().getRequest<FastifyRequest>()),
);

/** Default deny: a route that says neither `@Public()` nor `@Scopes(…)` is closed to everybody. */
export class AuthGuard implements CanActivate {
  private readonly reflector = new Reflector();

  constructor(private readonly verify: VerifyToken) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const targets = [context.getHandler(), context.getClass()];
    const access = this.reflector.getAllAndOverride<Access | undefined>(accessKey, targets);
    if (access === 'public') return true;
    const http = context.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const reply = http.getResponse<FastifyReply>();
    const caller = await this.authenticate(request, reply);
    if (!access) throw new SlipstreamError('forbidden', 'This route is open to nobody.');
    const missing = access.filter((scope) => !caller.scopes.includes(scope));
    if (missing.length > 0) {
      challenge(reply, `error="insufficient_scope", scope="${access.join(' ')}"`);
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
