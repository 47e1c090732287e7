import { Controller, Get, Inject, Param, Query } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { SlipstreamError } from '@slipstream/kernel';
import { type JsonValue, rejectUnknownQuery, Scopes, toSnakeJson } from '@slipstream/service-host';
import { type ProviderViewParts, showProvider, showProviders } from '../../application/show-providers.ts';

export const PROVIDER_VIEW = Symbol('provider view');

@ApiTags('providers')
@Controller('v1/providers')
@Scopes('providers:read')
export class ProvidersController {
  constructor(@Inject(PROVIDER_VIEW) private readonly parts: ProviderViewParts) {}

  @Get()
  @ApiOperation({ summary: 'Every configured provider, with what it can do and what is open there' })
  async list(@Query() query: Record<string, unknown>): Promise<JsonValue> {
    rejectUnknownQuery(query, []);
    const data = await showProviders(this.parts);
    return toSnakeJson({ data, next: null, previous: null });
  }

  @Get(':id')
  @ApiOperation({ summary: 'One provider' })
  async get(@Param('id') id: string, @Query() query: Record<string, unknown>): Promise<JsonValue> {
    rejectUnknownQuery(query, []);
    const provider = await showProvider(this.parts, id);
    if (!provider) throw new SlipstreamError('not_found', 'There is no such provider.');
    return toSnakeJson(provider);
  }
}
