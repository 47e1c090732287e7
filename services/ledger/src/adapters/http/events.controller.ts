import { Controller, Get, Inject, Query, Req, Res } from '@nestjs/common';
import { ApiOperation, ApiQuery, ApiTags } from '@nestjs/swagger';
import type { CallerIdentity } from '@slipstream/identity';
import {
  ApiList,
  answerList,
  Caller,
  type ListReply,
  type ListRequest,
  listParameters,
  Scopes,
  unusable,
} from '@slipstream/service-host';
import { wallClock } from '@slipstream/slip';
import type { EventListFilter, LedgerQueries } from '../../application/queries.ts';
import { describedListedEvent } from './described.ts';
import { Parameters, type Query as QueryOf } from './parameters.ts';
import { listedEventJson } from './shapes.ts';
import { ApiSeveral, ApiSlipFilter, readTerms, steadyFields, termNames } from './slip-filter.ts';
import { QUERIES } from './tokens.ts';
import { ownerFor, readsMetadata } from './visible.ts';

const ranges = ['received_from', 'received_to'] as const;

@ApiTags('slips')
@Scopes('slips:read')
@Controller('v1/events')
export class EventsController {
  constructor(@Inject(QUERIES) private readonly queries: LedgerQueries) {}

  @Get()
  @ApiOperation({
    summary: 'The log: events of slips, by partition and offset',
    description:
      'Pages stop where each partition of the log ended when the first one was read. A page looks at a bounded number of events: it may ' +
      'have few items, or none, although `next` leads on. `details` is shown with the scope `metadata:read` alone.',
  })
  @ApiSlipFilter(steadyFields, { ranges: false })
  @ApiSeveral('slip')
  @ApiSeveral('type', 'as in slipstream.slip.returned.v1')
  @ApiQuery({ name: 'clock', required: false, description: 'default: wall' })
  @ApiQuery({ name: 'received_from', required: false, description: 'RFC 3339, included' })
  @ApiQuery({ name: 'received_to', required: false, description: 'RFC 3339, not included' })
  @ApiQuery({ name: 'trace', required: false, description: 'a trace id: 32 hexadecimal digits' })
  @ApiList(describedListedEvent, 'A page of events')
  listEvents(
    @Query() query: QueryOf,
    @Caller() caller: CallerIdentity,
    @Req() request: ListRequest,
    @Res({ passthrough: true }) reply: ListReply,
  ) {
    const filter = readFilter(query, caller);
    return answerList(request, reply, {
      isKey: ([partition, offset, known, ...rest]) =>
        isNumber(partition) && isNumber(offset) && known !== undefined && rest.length === 0,
      read: (page) => this.queries.log(filter, page),
      show: (event) => listedEventJson(event, readsMetadata(caller)),
      item: describedListedEvent,
    });
  }
}

function readFilter(query: QueryOf, caller: CallerIdentity): EventListFilter {
  const singles = ['clock', 'trace', ...ranges, ...listParameters];
  const parameters = new Parameters(query, singles, ['slip', 'type', ...termNames(steadyFields)]);
  const [receivedFrom, receivedTo] = parameters.span(...ranges);
  return {
    terms: readTerms(parameters, steadyFields),
    slips: parameters.texts('slip'),
    types: parameters.types('type'),
    clock: parameters.text('clock') ?? wallClock,
    caller: ownerFor(caller),
    trace: traceOf(parameters),
    ...{ receivedFrom, receivedTo },
  };
}

/** W3C Trace Context writes it in lower case. */
function traceOf(parameters: Parameters): string | null {
  const trace = parameters.text('trace')?.toLowerCase();
  if (trace === undefined || /^[0-9a-f]{32}$/.test(trace)) return trace ?? null;
  throw unusable('trace', 'must be a trace id: 32 hexadecimal digits');
}

const isNumber = (text: string | undefined): boolean => text !== undefined && /^\d{1,15}$/.test(text);
