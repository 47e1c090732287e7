import { Controller, Get, Inject, Query } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { rejectUnknownQuery, Scopes, toSnakeJson } from '@slipstream/service-host';
import type { Reads } from '../../application/reads.ts';
import { READS } from './cases.controller.ts';
import { ApiReturnCurves } from './described.ts';

@ApiTags('watermarks')
@Controller('v1/return-curves')
@Scopes('watermarks:read')
export class ReturnCurvesController {
  constructor(@Inject(READS) private readonly reads: Reads) {}

  @Get()
  @ApiOperation({
    summary:
      'How long outcomes take by provider and route, what deadline that suggests, and whether they come back',
  })
  @ApiReturnCurves()
  async listReturnCurves(@Query() query: Record<string, string>) {
    rejectUnknownQuery(query, []);
    return toSnakeJson({ data: await this.reads.returnCurves() });
  }
}
