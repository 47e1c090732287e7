import { hash } from 'node:crypto';
import { Body, Controller, Get, HttpCode, Inject, Param, Post, Query, Req, Res } from '@nestjs/common';
import { ApiAcceptedResponse, ApiHeader, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { isUuid, SlipstreamError } from '@slipstream/kernel';
import {
  callerOf,
  idempotencyKeyOf,
  type JsonValue,
  rejectUnknownQuery,
  Scopes,
  type ServiceRequest,
  toSnakeJson,
} from '@slipstream/service-host';
import type { PeoplesAsk, WillBeAsked } from '../../application/ask-for-people.ts';
import type { UseCases } from '../../application/use-cases.ts';
import { describedAsk, describedEnvelope, describedQuestion } from './described.ts';
import { ReasonBody } from './switch.dto.ts';

/** What this controller asks the service. */
export interface SlipViews extends Pick<UseCases, 'showPeoplesQuestion' | 'showCertificate'> {
  /** Resolves when the question is on the list. */
  ask(request: PeoplesAsk): Promise<WillBeAsked & { readonly replayed: boolean }>;
}

/** The media type of a DSSE envelope. */
const dsse = 'application/vnd.dsse.envelope.v1+json';

export const SLIP_VIEW = Symbol('slip view');

interface Reply {
  header(name: string, value: string): unknown;
}

@ApiTags('slips')
@Controller('v1/slips/:id')
@Scopes('providers:read')
export class SlipsController {
  constructor(@Inject(SLIP_VIEW) private readonly views: SlipViews) {}

  @Post('inquire')
  @HttpCode(202)
  @Scopes('providers:write')
  @ApiOperation({
    summary: 'Asks the provider about a slip now',
    description:
      'Whoever may have the slip is asked, not before it can know of it: `ask_at` says when. The answer is evidence like any ' +
      'other, also after the deadline and the end. 409 where nobody can be asked.',
  })
  @ApiHeader({ name: 'Idempotency-Key', required: true, schema: { type: 'string', maxLength: 255 } })
  @ApiAcceptedResponse({
    description: 'It will be asked; Location says what comes of it',
    schema: describedAsk as object,
  })
  async inquireAboutSlip(
    @Param('id') id: string,
    @Query() query: Record<string, unknown>,
    @Body() { reason }: ReasonBody,
    @Req() request: ServiceRequest & { readonly id: string },
    @Res({ passthrough: true }) reply: Reply,
  ): Promise<JsonValue> {
    const key = idempotencyKeyOf(request);
    rejectUnknownQuery(query, []);
    const slipId = slipIdOf(id);
    const digest = hash('sha256', JSON.stringify(['inquire', slipId, reason]), 'hex');
    const caller = callerOf(request).subject;
    const { replayed, ...will } = await this.views.ask({
      ...{ slipId, caller, key, digest, reason },
      requestId: request.id,
    });
    reply.header('location', `/v1/slips/${slipId}/inquiry`);
    if (replayed) reply.header('idempotent-replayed', 'true');
    return toSnakeJson(will);
  }

  @Get('inquiry')
  @ApiOperation({ summary: 'The question that people put about a slip last, and what came of it' })
  @ApiOkResponse({ description: 'The question', schema: describedQuestion as object })
  async getInquiry(@Param('id') id: string, @Query() query: Record<string, unknown>): Promise<JsonValue> {
    rejectUnknownQuery(query, []);
    const question = await this.views.showPeoplesQuestion(slipIdOf(id));
    if (question === null) throw new SlipstreamError('not_found', 'Nobody asked about such a slip.');
    return toSnakeJson(question);
  }

  @Get('certificate')
  @Scopes('cases:read')
  @ApiOperation({
    summary: 'The signed certificate of non-execution of a slip',
    description: 'A DSSE envelope, as it was signed when it was proved that the slip was not executed.',
  })
  @ApiOkResponse({
    description: 'The envelope, as it was signed',
    content: { [dsse]: { schema: describedEnvelope as object } },
  })
  async getCertificate(
    @Param('id') id: string,
    @Query() query: Record<string, unknown>,
    @Res({ passthrough: true }) reply: Reply,
  ): Promise<string> {
    rejectUnknownQuery(query, []);
    const envelope = await this.views.showCertificate(slipIdOf(id));
    if (envelope === null) {
      throw new SlipstreamError('not_found', 'It is not proved that such a slip was not executed.');
    }
    reply.header('content-type', dsse);
    return envelope;
  }
}

function slipIdOf(id: string): string {
  if (!isUuid(id)) throw new SlipstreamError('not_found', 'There is no such slip here.');
  return id.toLowerCase();
}
