import { Controller, Get, Inject, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiQuery, ApiTags } from '@nestjs/swagger';
import { SlipstreamError } from '@slipstream/kernel';
import { Parameters, Scopes, schemas, toSnakeJson } from '@slipstream/service-host';
import { readDay } from '../../domain/statement/day.ts';
import { STATEMENTS, type StatementDesk } from './statements.controller.ts';

const { list, minorUnits, object, optional, text, whole } = schemas;

const bridges = object({
  ...{ provider: text, day: text },
  data: list(
    object({
      ...{ account: text, source: optional(text), currency: text, names: list(text), day: text },
      ...{ opening: minorUnits, movements: minorUnits, fees: minorUnits, transfers: minorUnits },
      ...{ conversions: minorUnits, closing: minorUnits, stated_closing: optional(minorUnits) },
      breaks: list(object({ type: text, count: whole, amount: minorUnits })),
    }),
  ),
});

@ApiTags('statements')
@Controller('v1/bridges')
@Scopes('statements:read')
export class BridgesController {
  constructor(@Inject(STATEMENTS) private readonly desk: StatementDesk) {}

  @Get()
  @ApiOperation({
    summary:
      'A day of a provider as all of its statements tell it, by account and currency: opening + movements of slips + fees + transfers + ' +
      'conversions + named breaks = closing, to the minor unit, whatever the order in which the files came',
  })
  @ApiQuery({ name: 'provider', required: true })
  @ApiQuery({ name: 'day', required: true, description: 'As in 2026-11-20' })
  @ApiOkResponse({ description: 'The bridges', schema: bridges as object })
  async listBridges(@Query() query: Record<string, string>) {
    const parameters = new Parameters(query, ['provider', 'day']);
    const provider = parameters.text('provider');
    if (!provider) throw new SlipstreamError('malformed_request', 'provider must name one.');
    const asked = parameters.text('day');
    const day = asked === undefined ? null : readDay(asked);
    if (day === null || day !== asked)
      throw new SlipstreamError('malformed_request', 'day must be a day, as in 2026-11-20.');
    const data = await this.desk.views.dayBridges(provider, day);
    if (data === null)
      throw new SlipstreamError('conflict', `A statement that tells of ${day} is not matched yet.`);
    return toSnakeJson({ provider, day, data });
  }
}
