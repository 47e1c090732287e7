import { Body, Controller, Get, HttpCode, Inject, Post, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiProperty, ApiTags } from '@nestjs/swagger';
import type { CallerIdentity } from '@slipstream/identity';
import type { PartitionDesk } from '@slipstream/runtime';
import { IsInt, IsString, Length, Matches, Max, Min } from 'class-validator';
import { Caller, Scopes } from './auth.ts';
import { storable, storableMessage } from './dead-letters.dto.ts';
import { type JsonValue, toSnakeJson } from './json.ts';
import { type Query as QueryOf, rejectUnknownQuery } from './pagination.ts';
import { list, object, optional, text, time, whole } from './schemas.ts';

const DESK = Symbol('slipstream:partition-desk');

const known = { source: text, sequence: whole, incarnation: whole };
const stopped = object({
  data: list(
    object({
      ...{ group: text, topic: text, partition: whole, stopped_at: time, why: text, next_offset: whole },
      sources: list(object({ ...known, digest: optional(text) })),
      ...{ topic_id: optional(text), topic_id_now: optional(text) },
      ...{ log_start: optional(whole), log_end: optional(whole), unread: optional(text) },
      record: optional(object({ ...known, offset: whole, digest: text })),
    }),
  ),
});

/** The body of `POST /v1/stopped-partitions/go-on`. */
export class GoOnBody {
  @ApiProperty({ type: String, example: 'slips.events.v1' })
  @IsString()
  @Length(1, 249)
  @Matches(storable, storableMessage)
  readonly topic!: string;

  @ApiProperty({ type: 'integer', minimum: 0, example: 3 })
  @IsInt()
  @Min(0)
  @Max(999_999)
  readonly partition!: number;

  @ApiProperty({
    type: 'integer',
    minimum: 0,
    example: 1042,
    description: 'the first offset to be handled; what lies before it is given up',
  })
  @IsInt()
  @Min(0)
  @Max(Number.MAX_SAFE_INTEGER)
  readonly offset!: number;

  @ApiProperty({
    ...{
      type: String,
      minLength: 1,
      maxLength: 1_000,
      example: 'the lost records were read from the backup',
    },
    description: 'why; kept with who decided and what stood there before',
  })
  @IsString()
  @Length(1, 1_000)
  @Matches(storable, storableMessage)
  readonly reason!: string;
}

/** Rule 5: partitions that stopped because records are lost, a number stands for two events, or the topic is another one. */
@ApiTags('stopped partitions')
@Controller('v1/stopped-partitions')
@Scopes('dead_letters:read')
export class StoppedPartitionsController {
  constructor(@Inject(DESK) private readonly desk: PartitionDesk) {}

  @Get()
  @ApiOperation({ summary: 'Why each stopped, what was read of it, and the record where it stands' })
  @ApiOkResponse({ description: 'The partitions that stopped', schema: stopped as object })
  async listStoppedPartitions(@Query() query: QueryOf): Promise<JsonValue> {
    rejectUnknownQuery(query, []);
    return toSnakeJson({ data: await this.desk.list() });
  }

  @Post('go-on')
  @HttpCode(200)
  @Scopes('dead_letters:redrive')
  @ApiOperation({
    summary: 'Lets one go on from an offset: the record there counts as the next of its source',
  })
  @ApiOkResponse({ description: 'The id of the decision', schema: object({ id: text }) as object })
  async letPartitionGoOn(@Body() body: GoOnBody, @Caller() caller: CallerIdentity): Promise<JsonValue> {
    const { topic, partition, offset, reason } = body;
    return toSnakeJson(await this.desk.goOn({ topic, partition }, offset, { by: caller.subject, reason }));
  }
}

/** What the host adds when a service has a desk. */
export function stoppedPartitionRoutes(desk: PartitionDesk) {
  return { controllers: [StoppedPartitionsController], providers: [{ provide: DESK, useValue: desk }] };
}
