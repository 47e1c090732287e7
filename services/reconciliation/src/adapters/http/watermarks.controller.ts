import { Controller, Get, Inject, Query } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { rejectUnknownQuery, Scopes, toSnakeJson } from '@slipstream/service-host';
import type { ClockView, Reads } from '../../application/reads.ts';
import type { Sight } from '../../application/watch-blindness.ts';
import { READS } from './cases.controller.ts';
import { ApiWatermarks } from './described.ts';

/** Injection token of {@link Watch}. */
export const WATCH = Symbol('reconciliation:watch');

/** What this instance hears of the other services now. */
export interface Watch {
  sources(): readonly object[];
  sight(): Sight;
}

@ApiTags('watermarks')
@Controller('v1/watermarks')
@Scopes('watermarks:read')
export class WatermarksController {
  constructor(
    @Inject(READS) private readonly reads: Reads,
    @Inject(WATCH) private readonly watch: Watch,
  ) {}

  @Get()
  @ApiOperation({
    summary: 'How far every source vouches for every clock, and how far every clock is judged',
  })
  @ApiWatermarks()
  async getWatermarks(@Query() query: Record<string, string>) {
    rejectUnknownQuery(query, []);
    const clocks: readonly ClockView[] = await this.reads.clocks();
    const { blind, why, since, by, lagMs } = this.watch.sight();
    return toSnakeJson({ sources: this.watch.sources(), clocks, detector: { blind, why, since, by, lagMs } });
  }
}
