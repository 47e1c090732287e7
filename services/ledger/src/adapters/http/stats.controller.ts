import { Controller, Get, Inject, Query } from '@nestjs/common';
import { ApiOperation, ApiQuery, ApiTags } from '@nestjs/swagger';
import { type JsonValue, Scopes, toSnakeJson } from '@slipstream/service-host';
import { wallClock } from '@slipstream/slip';
import type { LedgerQueries } from '../../application/queries.ts';
import { ApiNotReturned } from './described.ts';
import { Parameters, type Query as QueryOf } from './parameters.ts';
import { QUERIES } from './tokens.ts';

const groupings = ['provider', 'cause', 'hour'] as const;

@ApiTags('stats')
@Scopes('slips:read')
@Controller('v1/stats')
export class StatsController {
  constructor(@Inject(QUERIES) private readonly queries: LedgerQueries) {}

  @Get('not-returned')
  @ApiOperation({ summary: 'Slips called overdue that have no outcome, counted by provider, cause or hour' })
  @ApiQuery({ name: 'group_by', required: false, enum: groupings, description: 'default: provider' })
  @ApiQuery({ name: 'clock', required: false, description: 'default: wall' })
  @ApiNotReturned()
  async notReturned(@Query() query: QueryOf): Promise<JsonValue> {
    const parameters = new Parameters(query, ['group_by', 'clock']);
    const grouping = parameters.oneOf('group_by', groupings) ?? 'provider';
    const clock = parameters.text('clock') ?? wallClock;
    return toSnakeJson({ data: await this.queries.notReturned(clock, grouping) });
  }
}
