import { Controller, Get, Inject, Query } from '@nestjs/common';
import { ApiOperation, ApiQuery, ApiTags } from '@nestjs/swagger';
import { type JsonValue, Scopes, toSnakeJson, unusable } from '@slipstream/service-host';
import { wallClock } from '@slipstream/slip';
import {
  type Compared,
  comparedGroupings,
  comparePeriods,
  type Period,
} from '../../application/compare-periods.ts';
import type { LedgerQueries, SlipField } from '../../application/queries.ts';
import { confidence } from '../../domain/statistics/difference.ts';
import { ApiComparison } from './described.ts';
import { Parameters, type Query as QueryOf } from './parameters.ts';
import { ApiSlipFilter, readTerms, termNames } from './slip-filter.ts';
import { addressOf, wholeHour } from './slips-address.ts';
import { QUERIES } from './tokens.ts';

/** A cause is none of these: who was answered in time has none, and the rate would be of nothing else. */
const fields: readonly SlipField[] = ['provider', 'route', 'kind', 'currency'];
const edges = ['before_from', 'before_to', 'after_from', 'after_to'] as const;
type Edge = (typeof edges)[number];

const example: Readonly<Record<Edge, string>> = {
  before_from: '2026-11-22T10:00:00Z',
  before_to: '2026-11-22T12:00:00Z',
  after_from: '2026-11-22T12:00:00Z',
  after_to: '2026-11-22T14:00:00Z',
};
const ApiEdge = (name: Edge, what: string) =>
  ApiQuery({
    name,
    required: true,
    example: example[name],
    description: `a whole hour of submission, ${what}`,
  });

@ApiTags('stats')
@Scopes('slips:read:all')
@Controller('v1/stats')
export class ComparisonController {
  constructor(@Inject(QUERIES) private readonly queries: LedgerQueries) {}

  @Get('comparison')
  @ApiOperation({
    summary: 'Whether fewer slips missed their deadlines in one period than in another: did the change help?',
    description:
      'The rate is of the slips that were answered or called overdue; those whose deadline is still to come are left out, so let it pass first. ' +
      '`low` and `high`: the 95 % interval of the difference (Newcombe 1998, method 10); `undecided`: it has 0, as chance alone may make it. ' +
      'By cause it is of all that was judged, whatever the cause. `lists` of each period lead to the slips that its figures count.',
  })
  @ApiEdge('before_from', 'included')
  @ApiEdge('before_to', 'not included')
  @ApiEdge('after_from', 'included')
  @ApiEdge('after_to', 'not included')
  @ApiQuery({ name: 'group_by', required: false, enum: comparedGroupings, description: 'default: provider' })
  @ApiSlipFilter(fields, { ranges: false })
  @ApiQuery({ name: 'clock', required: false, description: 'default: wall' })
  @ApiComparison()
  async comparePeriods(@Query() query: QueryOf): Promise<JsonValue> {
    const parameters = new Parameters(query, [...edges, 'group_by', 'clock'], termNames(fields));
    const grouping = parameters.oneOf('group_by', comparedGroupings) ?? 'provider';
    const filter = { clock: parameters.text('clock') ?? wallClock, terms: readTerms(parameters, fields) };
    const before = period(parameters, 'before_from', 'before_to');
    const after = period(parameters, 'after_from', 'after_to');
    const { all, groups } = await comparePeriods(this.queries, filter, { before, after }, grouping);
    const { before_from: _, before_to: __, after_from: ___, after_to: ____, ...filters } = query;
    const field = grouping === 'cause' ? 'cause_code' : grouping;
    const listed = <Row extends Compared>(row: Row, key: string | null, by: string | null) => ({
      ...row,
      before: { ...row.before, lists: listsOf(filters, before, by, key) },
      after: { ...row.after, lists: listsOf(filters, after, by, key) },
    });
    return toSnakeJson({
      confidence,
      all: listed(all, null, null),
      data: groups.map((group) => listed(group, group.key, field)),
    });
  }
}

/** @throws SlipstreamError malformed_request */
function period(parameters: Parameters, from: Edge, to: Edge): Period {
  const [first, last] = [from, to].map((name) => {
    const hour = wholeHour(parameters, name);
    if (hour === undefined) throw unusable(name, 'must be given: a whole hour, as in 2026-11-22T10:00:00Z');
    return hour;
  });
  if (first! >= last!) throw unusable(to, `must be later than ${from}`);
  return { from: first!, to: last! };
}

function listsOf(filters: QueryOf, { from, to }: Period, field: string | null, key: string | null) {
  const of = (more: Readonly<Record<string, readonly string[]>>) =>
    addressOf({ ...filters, submitted_from: from, submitted_to: to }, field, key, more);
  return {
    overdue: of({ overdue: ['true'] }),
    returned: of({ outcome: ['succeeded', 'failed', 'void'] }),
    notReturned: of({ not_returned: ['true'] }),
  };
}
