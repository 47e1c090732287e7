import { Controller, HttpCode, Inject, Param, Post, Req } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { SlipstreamError } from '@slipstream/kernel';
import { Public, RawBody } from '@slipstream/service-host';
import type { CallbackMessage } from '../../application/ports.ts';
import type { CallbackHandling, ReceivedCallback } from '../../application/receive-callbacks.ts';

/** How callbacks are read and handled; `read` knows each provider's secrets. */
export interface CallbackIntake {
  /** Null for a provider that is not configured. */
  reader(
    provider: string,
  ): ((body: Buffer, headers: CallbackHeaders) => { webhookId: string; message: CallbackMessage }) | null;
  /** Resolves when the callback is stored, handled and committed. */
  receive(callback: ReceivedCallback): Promise<CallbackHandling>;
}

export interface CallbackHeaders {
  readonly id: readonly string[];
  readonly timestamp: readonly string[];
  readonly signature: readonly string[];
}

export const CALLBACK_INTAKE = Symbol('callback intake');

/** What this controller uses of a Fastify request. */
interface RawRequest {
  readonly raw: { readonly headersDistinct: Readonly<Record<string, readonly string[] | undefined>> };
}

@ApiTags('callbacks')
@Controller('v1/callbacks')
export class CallbacksController {
  constructor(@Inject(CALLBACK_INTAKE) private readonly intake: CallbackIntake) {}

  @Post(':provider')
  @HttpCode(202)
  @Public()
  @ApiOperation({
    summary: 'Takes a provider’s callback (Standard Webhooks 1.0.0, signed with one of its secrets)',
  })
  async receive(
    @Param('provider') provider: string,
    @RawBody() body: Buffer,
    @Req() request: RawRequest,
  ): Promise<{ accepted: true }> {
    const read = this.intake.reader(provider);
    if (!read) throw new SlipstreamError('not_found', 'There is no such provider.');
    const { headersDistinct } = request.raw;
    const { webhookId, message } = read(body, {
      id: headersDistinct['webhook-id'] ?? [],
      timestamp: headersDistinct['webhook-timestamp'] ?? [],
      signature: headersDistinct['webhook-signature'] ?? [],
    });
    // What came of it is nothing that a provider needs to know: a repeat and an orphan are accepted alike.
    await this.intake.receive({ provider, webhookId, body, message });
    return { accepted: true };
  }
}
