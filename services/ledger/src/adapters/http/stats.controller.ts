import { Controller, Get, Inject, Query } from '@nestjs/common';
import { ApiOperation, ApiQuery, ApiTags } from '@nestjs/swagger';
import type { CallerIdentity } from '@slipstream/identity';
import { Caller, type JsonValue, Scopes, toSnakeJson } from '@slipstream/service-host';
import { wallClock } from '@slipstream/slip';
import {
  type CountedGroup,
  type LedgerQueries,
  type NotReturnedGrouping,
  type SlipField,
  type SlipGrouping,
  slipGroupings,
} from '../../application/queries.ts';
import { ApiNotReturned, ApiStatistics } from './described.ts';
import { Parameters, type Query as QueryOf } from './parameters.ts';
import { ApiSlipFilter, countedFields, readSlipFilter, readTerms, termNames } from './slip-filter.ts';
import { addressOf, wholeHour } from './slips-address.ts';
import { QUERIES } from './tokens.ts';

const groupings = ['provider', 'cause', 'hour'] as const;
const cohortFields: readonly SlipField[] = ['provider', 'route', 'kind', 'currency', 'cause_code'];

@ApiTags('stats')
@Scopes('slips:read:all')
@Controller('v1/stats')
export class StatsController {
  constructor(@Inject(QUERIES) private readonly queries: LedgerQueries) {}

  @Get('slips')
  @ApiOperation({
    summary:
      'How many slips came, and what became of them, by the hour of submission or by what they have in common',
    description:
      '`lists` of each row leads to the slips that a figure counts. Of slips that wait as a draft it counts the hour in which they came. ' +
      'At most 1,000 groups are told: of hours the latest, else those with the most slips.',
  })
  @ApiQuery({ name: 'group_by', required: false, enum: slipGroupings, description: 'default: hour' })
  @ApiSlipFilter(cohortFields, { ranges: false })
  @ApiQuery({ name: 'clock', required: false, description: 'default: wall' })
  @ApiQuery({ name: 'submitted_from', required: false, description: 'a whole hour (RFC 3339), included' })
  @ApiQuery({ name: 'submitted_to', required: false, description: 'a whole hour (RFC 3339), not included' })
  @ApiStatistics()
  async getSlipStats(@Query() query: QueryOf): Promise<JsonValue> {
    const singles = ['group_by', 'clock', 'submitted_from', 'submitted_to'];
    const parameters = new Parameters(query, singles, termNames(cohortFields));
    const grouping = parameters.oneOf('group_by', slipGroupings) ?? 'hour';
    const filter = {
      clock: parameters.text('clock') ?? wallClock,
      terms: readTerms(parameters, cohortFields),
      from: wholeHour(parameters, 'submitted_from'),
      to: wholeHour(parameters, 'submitted_to'),
    };
    const groups = await this.queries.statistics(filter, grouping);
    return toSnakeJson({
      data: groups.map((group) => ({ ...group, lists: listsOf(query, grouping, group) })),
    });
  }

  @Get('not-returned')
  @ApiOperation({
    summary:
      'Slips called overdue to which no answer has come, counted by provider, cause or hour of the deadline',
    description: '`list` of each row leads to the slips that it counts.',
  })
  @ApiQuery({ name: 'group_by', required: false, enum: groupings, description: 'default: provider' })
  @ApiSlipFilter(countedFields)
  @ApiNotReturned()
  async getNotReturnedStats(@Query() query: QueryOf, @Caller() caller: CallerIdentity): Promise<JsonValue> {
    const { filter, parameters } = readSlipFilter(query, caller, ['group_by'], countedFields);
    const grouping = parameters.oneOf('group_by', groupings) ?? 'provider';
    const groups = await this.queries.notReturned(filter, grouping);
    return toSnakeJson({
      data: groups.map((group) => ({ ...group, list: listOf(query, grouping, group.key) })),
    });
  }
}

/** The address of the slips that a group counts. */
function listOf(query: QueryOf, grouping: NotReturnedGrouping, key: string | null): string {
  const field = { provider: 'provider', cause: 'cause_code', hour: 'deadline' }[grouping];
  return addressOf(query, field, key, { not_returned: ['true'] });
}

/** The addresses of the slips that each figure counts. */
function listsOf(query: QueryOf, grouping: SlipGrouping, { key }: CountedGroup) {
  const field = { cause: 'cause_code', hour: 'submitted' }[grouping as 'cause'] ?? grouping;
  const of = (more: Readonly<Record<string, readonly string[]>>) => addressOf(query, field, key, more);
  return {
    slips: of({}),
    returned: of({ outcome: ['succeeded', 'failed', 'void'] }),
    overdue: of({ overdue: ['true'] }),
    notReturned: of({ not_returned: ['true'] }),
    refunded: of({ status: ['refunded'] }),
  };
}
