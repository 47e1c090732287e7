import { Controller, Get, Inject, Param, Query } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { SlipstreamError } from '@slipstream/kernel';
import { type JsonValue, rejectUnknownQuery, Scopes, toSnakeJson } from '@slipstream/service-host';
import type { UseCases } from '../../application/use-cases.ts';

export const PROVIDER_VIEW = Symbol('provider view');

/** What this controller asks the service. */
export type ProviderViews = Pick<UseCases, 'showProviders' | 'showProvider'>;

@ApiTags('providers')
@Controller('v1/providers')
@Scopes('providers:read')
export class ProvidersController {
  constructor(@Inject(PROVIDER_VIEW) private readonly views: ProviderViews) {}

  @Get()
  @ApiOperation({ summary: 'Every configured provider, with what it can do and what is open there' })
  async list(@Query() query: Record<string, unknown>): Promise<JsonValue> {
    rejectUnknownQuery(query, []);
    const data = await this.views.showProviders();
    return toSnakeJson({ data, next: null, previous: null });
  }

  @Get(':id')
  @ApiOperation({ summary: 'One provider' })
  async get(@Param('id') id: string, @Query() query: Record<string, unknown>): Promise<JsonValue> {
    rejectUnknownQuery(query, []);
    const provider = await this.views.showProvider(id);
    if (!provider) throw new SlipstreamError('not_found', 'There is no such provider.');
    return toSnakeJson(provider);
  }
}
