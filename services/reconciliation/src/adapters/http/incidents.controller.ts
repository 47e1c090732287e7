import { Controller, Get, Inject, Param, Query, Req, Res } from '@nestjs/common';
import { ApiOperation, ApiQuery, ApiTags } from '@nestjs/swagger';
import { SlipstreamError } from '@slipstream/kernel';
import {
  answerList,
  isPlaceOf,
  type ListReply,
  type ListRequest,
  listParameters,
  Parameters,
  rejectUnknownQuery,
  Scopes,
  toSnakeJson,
} from '@slipstream/service-host';
import type { IncidentReads } from '../../application/incidents/reads.ts';
import {
  ApiIncident,
  ApiIncidentSlips,
  ApiIncidents,
  describedIncident,
  describedIncidentSlip,
} from './described.ts';
import { keyed, toPlace } from './places.ts';

const isKey = isPlaceOf((id) => !id.includes('\0'));

/** Injection token of {@link IncidentReads}. */
export const INCIDENTS = Symbol('reconciliation:incidents');

@ApiTags('incidents')
@Controller('v1/incidents')
@Scopes('cases:read')
export class IncidentsController {
  constructor(@Inject(INCIDENTS) private readonly reads: IncidentReads) {}

  @Get()
  @ApiOperation({ summary: 'Incidents, the newest first' })
  @ApiQuery({ name: 'status', required: false, enum: ['open', 'closed'] })
  @ApiQuery({ name: 'provider', required: false })
  @ApiIncidents()
  listIncidents(
    @Query() query: Record<string, string>,
    @Req() request: ListRequest,
    @Res({ passthrough: true }) reply: ListReply,
  ) {
    const parameters = new Parameters(query, ['status', 'provider', ...listParameters]);
    const filter = {
      status: parameters.oneOf('status', ['open', 'closed']) ?? null,
      provider: parameters.text('provider') ?? null,
    };
    return answerList(request, reply, {
      isKey,
      read: async ({ limit, from }) =>
        keyed(await this.reads.incidents(filter, from && toPlace(from), limit)),
      show: toSnakeJson,
      item: describedIncident,
    });
  }

  @Get(':id')
  @ApiOperation({ summary: 'One incident: its edges, causes and counts, and the money that is held' })
  @ApiIncident()
  async getIncident(@Param('id') id: string, @Query() query: Record<string, string>) {
    rejectUnknownQuery(query, []);
    return toSnakeJson(await this.#find(id));
  }

  @Get(':id/slips')
  @ApiOperation({ summary: 'The slips of an incident, the last that was dispatched first' })
  @ApiIncidentSlips()
  async listIncidentSlips(
    @Param('id') id: string,
    @Query() query: Record<string, string>,
    @Req() request: ListRequest,
    @Res({ passthrough: true }) reply: ListReply,
  ) {
    rejectUnknownQuery(query, [...listParameters]);
    await this.#find(id);
    return answerList(request, reply, {
      isKey,
      read: async ({ limit, from }) => keyed(await this.reads.slips(id, from && toPlace(from), limit)),
      show: toSnakeJson,
      item: describedIncidentSlip,
    });
  }

  async #find(id: string) {
    // U+0000 cannot be stored, so nothing is found under it.
    const found = id.includes('\u0000') ? null : await this.reads.incident(id);
    if (!found) throw new SlipstreamError('not_found', `There is no incident ${id.slice(0, 100)}.`);
    return found;
  }
}
