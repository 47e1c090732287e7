import { Body, Controller, Get, HttpCode, Inject, Param, Post, Query, Req, Res } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiProperty, ApiQuery, ApiTags } from '@nestjs/swagger';
import { isUuid, parseInstant, SlipstreamError } from '@slipstream/kernel';
import {
  ApiList,
  answerList,
  Caller,
  isPlaceOf,
  type ListReply,
  type ListRequest,
  listParameters,
  Parameters,
  rejectUnknownQuery,
  Scopes,
  type ServiceRequest,
  schemas,
  toSnakeJson,
} from '@slipstream/service-host';
import { IsString, Length } from 'class-validator';
import type { BreakDecision } from '../../application/statements/ports.ts';
import { breakTypes } from '../../domain/statement/breaks.ts';
import { keyed, toPlace } from './places.ts';
import { STATEMENTS, type StatementDesk } from './statements.controller.ts';
import { ApiWords, wordNames, wordsOf } from './words.ts';

const { minorUnits, object, oneOf, optional, text, time, whole } = schemas;
const statuses = ['open', 'acknowledged', 'snoozed', 'resolved'] as const;

const found = object({
  ...{ id: text, type: oneOf(...breakTypes), status: oneOf(...statuses), provider: text, statement_id: text },
  ...{
    line: optional(whole),
    slip_id: optional(text),
    currency: text,
    difference: minorUnits,
    expected: text,
    seen: text,
  },
  ...{ awaited_event: optional(text), opened_at: time, age_s: whole, snoozed_until: optional(time) },
  ...{
    resolved_at: optional(time),
    resolution: optional(text),
    resolved_by: optional(text),
    reason: optional(text),
  },
});

class DecisionBody {
  @ApiProperty({ example: 'Told to the provider, ticket 4711', minLength: 1, maxLength: 500 })
  @IsString()
  @Length(1, 500)
  reason!: string;
}

class SnoozeBody extends DecisionBody {
  @ApiProperty({ format: 'date-time', example: '2026-12-01T09:00:00Z' })
  @IsString()
  until!: string;
}

const filters = ['statement', 'slip'] as const;
const words = wordNames(['status', 'type', 'provider']);

@ApiTags('breaks')
@Controller('v1/breaks')
@Scopes('statements:read')
export class BreaksController {
  constructor(@Inject(STATEMENTS) private readonly desk: StatementDesk) {}

  @Get()
  @ApiOperation({ summary: 'How statements and our books differ, the newest first' })
  @ApiWords('status', { known: statuses })
  @ApiWords('type', { known: breakTypes })
  @ApiWords('provider')
  @ApiQuery({ name: 'statement', required: false, description: 'Id of a statement' })
  @ApiQuery({ name: 'slip', required: false, description: 'Id of a slip' })
  @ApiList(found, 'Breaks')
  listBreaks(
    @Query() query: Record<string, string>,
    @Req() request: ListRequest,
    @Res({ passthrough: true }) reply: ListReply,
  ) {
    const parameters = new Parameters(query, [...filters, ...listParameters], words);
    const statement = parameters.text('statement') ?? null;
    if (statement !== null && !isUuid(statement))
      throw new SlipstreamError('malformed_request', 'statement must be the id of a statement.');
    const filter = {
      status: wordsOf(parameters, 'status', statuses),
      type: wordsOf(parameters, 'type', breakTypes),
      provider: wordsOf(parameters, 'provider'),
      slip: parameters.text('slip') ?? null,
      statement,
    };
    return answerList(request, reply, {
      isKey: isPlaceOf(isUuid),
      read: async ({ limit, from }) =>
        keyed(await this.desk.views.breaks(filter, from && toPlace(from), limit)),
      show: toSnakeJson,
      item: found,
    });
  }

  @Post(':id/acknowledge')
  @HttpCode(200)
  @Scopes('breaks:write')
  @ApiOperation({ summary: 'Somebody looks at it' })
  @ApiOkResponse({ description: 'The break', schema: found as object })
  acknowledgeBreak(
    @Param('id') id: string,
    @Body() body: DecisionBody,
    @Req() request: ServiceRequest,
    @Caller() caller: { readonly subject: string },
  ) {
    return this.#decide(id, 'acknowledge', body.reason, null, request, caller);
  }

  @Post(':id/snooze')
  @HttpCode(200)
  @Scopes('breaks:write')
  @ApiOperation({ summary: 'Not before a time; then it is open again' })
  @ApiOkResponse({ description: 'The break', schema: found as object })
  snoozeBreak(
    @Param('id') id: string,
    @Body() body: SnoozeBody,
    @Req() request: ServiceRequest,
    @Caller() caller: { readonly subject: string },
  ) {
    const until = parseInstant(body.until);
    if (until === null) {
      const errors = [{ pointer: '/until', detail: 'must be an RFC 3339 time' }];
      throw new SlipstreamError('validation_failed', 'The request has fields with wrong values.', { errors });
    }
    return this.#decide(id, 'snooze', body.reason, until, request, caller);
  }

  @Post(':id/resolve')
  @HttpCode(200)
  @Scopes('breaks:write')
  @ApiOperation({ summary: 'Ends it by a decision of people, with its reason' })
  @ApiOkResponse({ description: 'The break', schema: found as object })
  resolveBreak(
    @Param('id') id: string,
    @Body() body: DecisionBody,
    @Req() request: ServiceRequest,
    @Caller() caller: { readonly subject: string },
  ) {
    return this.#decide(id, 'resolve', body.reason, null, request, caller);
  }

  async #decide(
    id: string,
    action: BreakDecision['action'],
    reason: string,
    until: BreakDecision['until'],
    request: ServiceRequest,
    { subject: actor }: { readonly subject: string },
  ) {
    rejectUnknownQuery(request.query, []);
    if (!isUuid(id)) throw new SlipstreamError('not_found', 'There is no such break.');
    const decision = { breakId: id.toLowerCase(), action, reason, until, actor, requestId: request.id };
    return toSnakeJson(await this.desk.views.decide(decision));
  }
}
