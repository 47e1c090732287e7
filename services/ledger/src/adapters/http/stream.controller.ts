import { Controller, Get, Inject, Logger, Query, Req, Res } from '@nestjs/common';
import { ApiHeader, ApiOkResponse, ApiOperation, ApiQuery, ApiTags } from '@nestjs/swagger';
import type { CallerIdentity } from '@slipstream/identity';
import {
  Caller,
  EventStreams,
  type ListReply,
  type ListRequest,
  Offers,
  Scopes,
  streamLimits,
  streamType,
} from '@slipstream/service-host';
import { wallClock } from '@slipstream/slip';
import type { EventFilter, LedgerQueries, PlacedEvent } from '../../application/queries.ts';
import { Parameters, type Query as QueryOf } from './parameters.ts';
import { eventJson } from './shapes.ts';
import { ApiSeveral, ApiSlipFilter, readTerms, steadyFields, termNames } from './slip-filter.ts';
import { QUERIES } from './tokens.ts';
import { ownerFor, readsMetadata } from './visible.ts';

const partitionsMax = 1_000;

@ApiTags('slips')
@Scopes('slips:read')
@Controller('v1/stream')
export class StreamController {
  private readonly logger = new Logger('Stream');
  private readonly streams = new EventStreams(streamLimits, (error) =>
    this.logger.warn(`a stream was cut off: ${error}`),
  );

  constructor(@Inject(QUERIES) private readonly queries: LedgerQueries) {}

  @Get()
  @Offers(streamType)
  @ApiOperation({
    summary: 'Events of slips as they are logged, as server-sent events',
    description:
      'From now on, from `received_from` on, or behind the `id` given as `Last-Event-ID`, with the same filters. Events of a slip come in their order. ' +
      '`too_slow` is the last event of a caller that does not read; a stream ends after 15 minutes, and goes on by its last id.',
  })
  @ApiHeader({
    name: 'Last-Event-ID',
    required: false,
    description: 'an `id` of a stream with the same filters',
  })
  @ApiSlipFilter(steadyFields, { ranges: false })
  @ApiSeveral('slip')
  @ApiSeveral('type', 'as in slipstream.slip.returned.v1')
  @ApiQuery({ name: 'clock', required: false, description: 'default: any; with received_from: wall' })
  @ApiQuery({
    name: 'received_from',
    required: false,
    description: 'RFC 3339, included: what became known from then on, by its times, and then what comes',
  })
  @ApiOkResponse({
    description: 'The events: `event` is its type, `data` what `/v1/slips/{id}/events` shows of it',
    content: { [streamType]: { schema: { type: 'string' } } },
  })
  async streamEvents(
    @Query() query: QueryOf,
    @Caller() caller: CallerIdentity,
    @Req() request: ListRequest,
    @Res({ passthrough: true }) reply: ListReply,
  ) {
    const parameters = new Parameters(
      query,
      ['clock', 'received_from'],
      ['slip', 'type', ...termNames(steadyFields)],
    );
    const receivedFrom = parameters.instant('received_from');
    const filter: EventFilter = {
      terms: readTerms(parameters, steadyFields),
      slips: parameters.texts('slip'),
      types: parameters.types('type'),
      // Times of different clocks do not compare.
      clock: parameters.text('clock') ?? (receivedFrom === undefined ? null : wallClock),
      caller: ownerFor(caller),
      receivedFrom,
    };
    const show = (event: PlacedEvent) => {
      const { partition, offset, ...logged } = event;
      return eventJson(logged, readsMetadata(caller));
    };
    return this.streams.answer(request, reply, {
      isKey: (key) =>
        key.length > 0 && key.length <= partitionsMax && key.every((end) => /^\d{1,15}$/.test(end)),
      start: async () => (await this.queries.logStart(filter)).map(String),
      read: async (key) => {
        const { events, until } = await this.queries.logAfter(filter, key.map(Number));
        const places = [...key];
        const placed = events.map((event) => {
          places[event.partition] = String(event.offset + 1);
          return { type: event.type, data: show(event), key: [...places] };
        });
        return { events: placed, key: until.map(String) };
      },
      moved: (key, timeoutMs, signal) => this.queries.logMoved(key.map(Number), timeoutMs, signal),
    });
  }
}
