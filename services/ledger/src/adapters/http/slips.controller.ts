import { Controller, Get, Inject, Param, Query, Req, Res } from '@nestjs/common';
import { ApiOperation, ApiQuery, ApiTags } from '@nestjs/swagger';
import { parseInstant, SlipstreamError } from '@slipstream/kernel';
import { type JsonValue, type Page, Scopes } from '@slipstream/service-host';
import { slipStatuses, wallClock } from '@slipstream/slip';
import type { LedgerQueries } from '../../application/queries.ts';
import { ApiPage } from './api-page.ts';
import { ApiEvents, ApiSlip, ApiSlips } from './described.ts';
import { Parameters, type Query as QueryOf, type Reply, type Request, toPage } from './parameters.ts';
import { eventJson, slipJson } from './shapes.ts';
import { QUERIES } from './tokens.ts';

const texts = ['reference', 'account', 'provider', 'cause', 'clock'] as const;
const kinds = ['order', 'payout', 'payment'] as const;
const outcomes = ['succeeded', 'failed', 'void'] as const;
const sorts = ['submitted_at', '-submitted_at'] as const;
const listParameters = [
  ...texts,
  'kind',
  'status',
  'outcome',
  'submitted_from',
  'submitted_to',
  'sort',
  'cursor',
  'page_size',
];

@ApiTags('slips')
@Scopes('slips:read')
@Controller('v1/slips')
export class SlipsController {
  constructor(@Inject(QUERIES) private readonly queries: LedgerQueries) {}

  @Get()
  @ApiOperation({ summary: 'Slips by filter, latest submission first' })
  @ApiQuery({ name: 'reference', required: false })
  @ApiQuery({ name: 'account', required: false })
  @ApiQuery({ name: 'provider', required: false })
  @ApiQuery({ name: 'clock', required: false, description: 'default: wall' })
  @ApiQuery({ name: 'kind', required: false, enum: kinds })
  @ApiQuery({ name: 'status', required: false, enum: slipStatuses })
  @ApiQuery({ name: 'outcome', required: false, enum: outcomes })
  @ApiQuery({ name: 'cause', required: false, description: 'class or code of the diagnosed cause' })
  @ApiQuery({ name: 'submitted_from', required: false, description: 'RFC 3339, included' })
  @ApiQuery({ name: 'submitted_to', required: false, description: 'RFC 3339, not included' })
  @ApiQuery({ name: 'sort', required: false, enum: sorts, description: 'default: -submitted_at' })
  @ApiPage()
  @ApiSlips()
  async list(
    @Query() query: QueryOf,
    @Req() request: Request,
    @Res({ passthrough: true }) reply: Reply,
  ): Promise<Page<JsonValue>> {
    const parameters = new Parameters(query, listParameters);
    const page = await this.queries.slips(
      {
        clock: parameters.text('clock') ?? wallClock,
        reference: parameters.text('reference'),
        account: parameters.text('account'),
        provider: parameters.text('provider'),
        cause: parameters.text('cause'),
        kind: parameters.oneOf('kind', kinds),
        status: parameters.oneOf('status', slipStatuses),
        outcome: parameters.oneOf('outcome', outcomes),
        submittedFrom: parameters.instant('submitted_from'),
        submittedTo: parameters.instant('submitted_to'),
      },
      parameters.oneOf('sort', sorts) === 'submitted_at' ? 'asc' : 'desc',
      parameters.page(([at, id, ...rest]) => isInstant(at) && id !== undefined && rest.length === 0),
    );
    return toPage(page, slipJson, request, reply);
  }

  @Get(':id')
  @ApiOperation({ summary: 'One slip; its version is the ETag' })
  @ApiQuery({
    name: 'min_position',
    required: false,
    description: 'answer only when the ledger has applied this position; at most 5 s later',
  })
  @ApiSlip()
  async show(
    @Param('id') id: string,
    @Query() query: QueryOf,
    @Res({ passthrough: true }) reply: Reply,
  ): Promise<JsonValue> {
    const position = new Parameters(query, ['min_position']).position('min_position');
    if (position && !(await this.queries.waitFor(position))) {
      throw new SlipstreamError('position_timeout', 'The ledger has not applied that position yet.');
    }
    const slip = await this.queries.slip(storable(id));
    if (slip === null) throw noSlip(id);
    reply.header('etag', `"${slip.version}"`);
    return slipJson(slip);
  }

  @Get(':id/events')
  @ApiOperation({ summary: 'The events of a slip in log order' })
  @ApiPage()
  @ApiEvents()
  async events(
    @Param('id') id: string,
    @Query() query: QueryOf,
    @Req() request: Request,
    @Res({ passthrough: true }) reply: Reply,
  ): Promise<Page<JsonValue>> {
    const parameters = new Parameters(query, ['cursor', 'page_size']);
    const isKey = (key: readonly string[]) => key.length === 1 && /^\d{1,15}$/.test(key[0]!);
    const page = await this.queries.events(storable(id), parameters.page(isKey));
    if (page === null) throw noSlip(id);
    return toPage(page, eventJson, request, reply);
  }
}

function isInstant(text: string | undefined): boolean {
  return text !== undefined && parseInstant(text) === text;
}

/** PostgreSQL's text cannot hold NUL, so no slip has such an id. */
function storable(id: string): string {
  if (id.includes('\0')) throw noSlip(id);
  return id;
}

function noSlip(id: string): SlipstreamError {
  return new SlipstreamError('not_found', `There is no slip ${JSON.stringify(id)}.`);
}
