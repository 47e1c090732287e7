import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { SlipstreamError } from '@slipstream/kernel';
import type { FastifyRequest } from 'fastify';

/** Controller parameter: the body byte for byte, as signatures need it. A request without a body is malformed_request. */
export const RawBody = createParamDecorator((_: unknown, context: ExecutionContext): Buffer => {
  const { rawBody } = context.switchToHttp().getRequest<FastifyRequest>();
  if (rawBody === undefined) throw new SlipstreamError('malformed_request', 'The request has no body.');
  return rawBody;
});
