import { Body, Controller, Get, HttpCode, Inject, Param, Post, Query, Req, Res } from '@nestjs/common';
import { ApiAcceptedResponse, ApiOkResponse, ApiOperation, ApiQuery, ApiTags } from '@nestjs/swagger';
import type { CallerIdentity } from '@slipstream/identity';
import { isUuid, SlipstreamError } from '@slipstream/kernel';
import type { LetterFilter, LetterRow, LetterStatus } from '@slipstream/postgres';
import type { DeadLetterDesk } from '@slipstream/runtime';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Caller, Scopes } from './auth.ts';
import { DismissBody, type LetterFilterBody, RedriveBody } from './dead-letters.dto.ts';
import { type JsonValue, toSnakeJson } from './json.ts';
import { ApiList, answerList, type List, listParameters } from './lists.ts';
import { type Query as QueryOf, rejectUnknownQuery } from './pagination.ts';
import { Parameters } from './parameters.ts';
import {
  list as listOf,
  object,
  oneOf,
  optional,
  type Schema,
  text,
  time,
  whole,
  yesOrNo,
} from './schemas.ts';

const DESK = Symbol('slipstream:dead-letter-desk');
const statuses: readonly LetterStatus[] = ['parked', 'queued', 'redriven', 'dismissed'];
const filters = ['topic', 'partition', 'slip', 'reason', 'status'] as const;
const letter: Schema = object({
  id: text,
  consumer_group: text,
  topic: text,
  partition: whole,
  offset: whole,
  slip: optional(text),
  key: optional(text),
  reason: text,
  error_class: text,
  detail: text,
  attempts: whole,
  redrives: whole,
  status: oneOf(...statuses),
  failed_at: time,
  resolved_at: optional(time),
  redrive_id: optional(text),
});
const readLetter: Schema = {
  allOf: [
    letter as object,
    object({
      headers: { type: 'object' },
      event: optional({ type: 'object' }),
      value: optional(text),
    }) as object,
  ],
};
const waiting = object({
  waiting: listOf(object({ topic: text, reason: text, letters: whole, slips: whole })),
});
const chosen = {
  ...{ dry_run: yesOrNo, letters: whole, slips: whole, exhausted: whole },
  by_reason: listOf(object({ reason: text, letters: whole })),
  by_slip: listOf(object({ slip: optional(text), reason: text, letters: whole })),
};
const redrive = object({
  ...{ id: text, action: oneOf('redrive', 'dismiss', 'upgrade'), requested_by: text, requested_at: time },
  ...{ reason: text, letters: whole, slips: whole, per_second: whole },
  ...{ waiting: whole, redriven: whole, failed: whole },
});
const dismissed = object({ id: text, released: whole });
const limitDefault = 1_000;
const perSecondDefault = 50;

/** Rule 9: the records that a service set aside. One service is one consumer group per topic: nobody else is touched. */
@ApiTags('dead letters')
@Controller('v1')
@Scopes('dead_letters:read')
export class DeadLettersController {
  constructor(@Inject(DESK) private readonly desk: DeadLetterDesk) {}

  @Get('dead-letters')
  @ApiOperation({ summary: 'Records set aside, the oldest first' })
  @ApiQuery({ name: 'topic', required: false })
  @ApiQuery({ name: 'partition', required: false, type: Number })
  @ApiQuery({
    name: 'slip',
    required: false,
    description: "the slip's id; on inbound topics the record's key",
  })
  @ApiQuery({ name: 'reason', required: false })
  @ApiQuery({ name: 'status', required: false, enum: statuses })
  @ApiList(letter, 'Records set aside')
  listDeadLetters(
    @Query() query: QueryOf,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const filter = toFilter(new Parameters(query, [...filters, ...listParameters]));
    const list: List<LetterRow> = {
      isKey: ([id, ...rest]) => id !== undefined && isId(id) && rest.length === 0,
      read: async ({ limit, from }) => {
        const start = from && { side: from.side, id: from.key[0]! };
        const { letters, next, previous } = await this.desk.list(filter, limit, start);
        return {
          items: letters,
          next: next === null ? null : [next],
          previous: previous === null ? null : [previous],
        };
      },
      show: letterJson,
      item: letter,
    };
    return answerList(request, reply, list);
  }

  @Get('dead-letters/summary')
  @ApiOperation({ summary: 'How many wait, by topic and reason' })
  @ApiOkResponse({ description: 'How many wait', schema: waiting as object })
  async countDeadLetters(@Query() query: QueryOf): Promise<JsonValue> {
    rejectUnknownQuery(query, []);
    return toSnakeJson({ waiting: await this.desk.waiting() });
  }

  @Get('redrives/:id')
  @ApiOperation({ summary: 'How far a redrive has come; who asked for it, and why' })
  @ApiOkResponse({ description: 'The redrive', schema: redrive as object })
  async getRedrive(@Param('id') id: string, @Query() query: QueryOf): Promise<JsonValue> {
    rejectUnknownQuery(query, []);
    const redrive = isUuid(id) ? await this.desk.redriveOf(id) : null;
    if (redrive === null) throw new SlipstreamError('not_found', 'There is no such redrive.');
    return toSnakeJson(redrive);
  }

  @Get('dead-letters/:id')
  @ApiOperation({
    summary: 'One record: its headers, its event as far as it can be read, its bytes in base64',
  })
  @ApiOkResponse({ description: 'The record', schema: readLetter as object })
  async getDeadLetter(@Param('id') id: string, @Query() query: QueryOf): Promise<JsonValue> {
    rejectUnknownQuery(query, []);
    const letter = isId(id) ? await this.desk.one(id) : null;
    if (letter === null) throw noLetter(id);
    const { value, headers, event, ...row } = letter;
    const shown = letterJson(row);
    // Headers are the publisher's own words, so they stay as they are.
    return { ...shown, headers: { ...headers }, event: toSnakeJson(event), value: base64(value) };
  }

  @Post('dead-letters/redrive')
  @Scopes('dead_letters:redrive')
  @ApiOperation({ summary: 'Reads records again, per slip in order; counts first unless dry_run is false' })
  @ApiOkResponse({
    description: 'What would be read again',
    schema: object({ ...chosen, id: optional(text) }) as object,
  })
  @ApiAcceptedResponse({
    description: 'Under way; Location says how far',
    schema: object({ ...chosen, id: text }) as object,
  })
  async redriveDeadLetters(
    @Body() body: RedriveBody,
    @Caller() caller: CallerIdentity,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<JsonValue> {
    const {
      limit = limitDefault,
      per_second: perSecond = perSecondDefault,
      reason,
      dry_run: dryRun = true,
    } = body;
    const chosen = chosenBy(body);
    if (dryRun) {
      reply.code(200);
      return toSnakeJson({ dryRun, id: null, ...(await this.desk.preview(chosen, limit)) });
    }
    if (reason === undefined) throw wrong('/reason', 'is needed: it is kept with who asked and when');
    const asked = await this.desk.redrive(chosen, limit, { by: caller.subject, reason, perSecond });
    reply.code(202).header('location', `/v1/redrives/${asked.id}`);
    return toSnakeJson({ dryRun, ...asked });
  }

  @Post('dead-letters/:id/dismiss')
  @HttpCode(200)
  @Scopes('dead_letters:redrive')
  @ApiOperation({ summary: 'Gives one record up; what waits behind it is read again' })
  @ApiOkResponse({ description: 'How many are read again', schema: dismissed as object })
  async dismissDeadLetter(
    @Param('id') id: string,
    @Body() { reason }: DismissBody,
    @Caller() caller: CallerIdentity,
  ): Promise<JsonValue> {
    if (!isId(id)) throw noLetter(id);
    return toSnakeJson(await this.desk.dismiss(id, { by: caller.subject, reason }));
  }
}

/** What the host adds when a service has a desk. */
export function deadLetterRoutes(desk: DeadLetterDesk) {
  return { controllers: [DeadLettersController], providers: [{ provide: DESK, useValue: desk }] };
}

function letterJson({ key, parkKey, ...row }: LetterRow): Record<string, JsonValue> {
  const shown = { ...row, slip: parkKey, key: key === null ? null : keyOf(key) };
  return toSnakeJson(shown) as Record<string, JsonValue>;
}

/** A key that is no text is shown in base64, as dead-letter headers show it. */
function keyOf(key: Buffer): string {
  const text = key.toString('utf8');
  return Buffer.from(text, 'utf8').equals(key) ? text : `base64:${key.toString('base64')}`;
}

function base64(value: Buffer | null): string | null {
  return value === null ? null : value.toString('base64');
}

function chosenBy({ ids, filter }: RedriveBody): LetterFilter {
  if ((ids === undefined) === (filter === undefined)) throw wrong('/filter', 'give either ids or filter');
  return ids === undefined ? ofBody(filter!) : { ids };
}

function ofBody({ topic, partition, slip, reason }: LetterFilterBody): LetterFilter {
  return { topic, partition, slip, reason };
}

function toFilter(parameters: Parameters): LetterFilter {
  return {
    topic: parameters.text('topic'),
    partition: parameters.integer('partition'),
    slip: parameters.text('slip'),
    reason: parameters.text('reason'),
    status: parameters.oneOf('status', statuses),
  };
}

/** int8, as PostgreSQL gives it. */
function isId(text: string): boolean {
  return /^[1-9]\d{0,17}$/.test(text);
}

function noLetter(id: string): SlipstreamError {
  return new SlipstreamError('not_found', `There is no dead letter ${id}.`);
}

function wrong(pointer: string, detail: string): SlipstreamError {
  return new SlipstreamError('validation_failed', 'The request has fields with wrong values.', {
    errors: [{ pointer, detail }],
  });
}
