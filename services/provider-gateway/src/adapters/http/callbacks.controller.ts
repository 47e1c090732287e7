import { Controller, HttpCode, Inject, Param, Post, Req } from '@nestjs/common';
import { ApiAcceptedResponse, ApiBody, ApiHeader, ApiOperation, ApiTags } from '@nestjs/swagger';
import { SlipstreamError } from '@slipstream/kernel';
import { Public, RawBody, schemas } from '@slipstream/service-host';
import type { RefusedCallback } from '../../application/ask-about-suspects.ts';
import { type CallbackHeaders, type CallbackReader, SignatureMismatch } from '../../application/ports.ts';
import type { CallbackHandling, ReceivedCallback } from '../../application/receive-callbacks.ts';
import { describedCallback } from './described.ts';

/** How callbacks are read and handled. */
export interface CallbackIntake {
  /** Null for a provider that is not configured, or makes no callbacks. */
  reader(provider: string): CallbackReader | null;
  /** Resolves when the callback is stored, handled and committed. */
  receive(callback: ReceivedCallback): Promise<CallbackHandling>;
  /** A callback was refused for its signature or its age. Never rejects. */
  refused(callback: RefusedCallback): Promise<void>;
}

const signed = (name: string, description: string) =>
  ({ name, description, required: false, schema: { type: 'string' } }) as const;

export const CALLBACK_INTAKE = Symbol('callback intake');

/** What this controller uses of a Fastify request. */
interface RawRequest {
  readonly raw: { readonly headersDistinct: CallbackHeaders };
}

@ApiTags('callbacks')
@Controller('v1/callbacks')
export class CallbacksController {
  constructor(@Inject(CALLBACK_INTAKE) private readonly intake: CallbackIntake) {}

  @Post(':provider')
  @HttpCode(202)
  @Public()
  @ApiOperation({
    summary:
      'Takes a provider’s callback, signed as its protocol says (json-callback: Standard Webhooks 1.0.0)',
  })
  @ApiHeader(signed('webhook-id', 'names the message: the same one again has no effect'))
  @ApiHeader(signed('webhook-timestamp', 'seconds since 1970; at most 5 minutes off'))
  @ApiHeader(signed('webhook-signature', '`v1,` and the HMAC-SHA-256 of `id.timestamp.body` in base64'))
  @ApiBody({ schema: describedCallback })
  @ApiAcceptedResponse({
    description: 'It is stored and handled',
    schema: schemas.object({ accepted: schemas.yesOrNo }) as object,
  })
  async receiveCallback(
    @Param('provider') provider: string,
    @RawBody() body: Buffer,
    @Req() request: RawRequest,
  ): Promise<{ accepted: true }> {
    const reader = this.intake.reader(provider);
    if (!reader) throw new SlipstreamError('not_found', 'There is no such provider.');
    const { webhookId, message } = await this.#read(provider, reader, body, request.raw.headersDistinct);
    // What came of it is nothing that a provider needs to know: a repeat and an orphan are accepted alike.
    await this.intake.receive({ provider, webhookId, body, message });
    // It is kept, but its sender should know.
    if ('problem' in message) {
      const detail = `The callback cannot be understood: ${message.problem}.`;
      throw new SlipstreamError(message.isMalformed ? 'malformed_json' : 'malformed_request', detail);
    }
    return { accepted: true };
  }

  async #read(provider: string, reader: CallbackReader, body: Buffer, headers: CallbackHeaders) {
    try {
      return reader.read(body, headers);
    } catch (error) {
      const hint = reader.understand(body);
      const slipId = 'slipId' in hint ? hint.slipId : null;
      await this.intake.refused({ provider, slipId, isMismatch: error instanceof SignatureMismatch });
      throw error;
    }
  }
}
