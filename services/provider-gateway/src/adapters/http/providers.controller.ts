import { Body, Controller, Get, HttpCode, Inject, Param, Post, Query, Req } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { SlipstreamError } from '@slipstream/kernel';
import { callerOf, type JsonValue, rejectUnknownQuery, Scopes, toSnakeJson } from '@slipstream/service-host';
import type { UseCases } from '../../application/use-cases.ts';
import { describedDisablePreview, describedProvider, describedProviders } from './described.ts';
import { DisableBody, ReasonBody } from './switch.dto.ts';

const ApiProvider = () => ApiOkResponse({ description: 'The provider', schema: describedProvider as object });

export const PROVIDER_VIEW = Symbol('provider view');

/** What this controller asks the service. */
export type ProviderViews = Pick<
  UseCases,
  'showProviders' | 'showProvider' | 'switchProvider' | 'previewDisable' | 'restoreProof'
>;

/** What this controller uses of a Fastify request: who calls, and the request's id. */
type SwitchRequest = Parameters<typeof callerOf>[0] & { readonly id: string };

@ApiTags('providers')
@Controller('v1/providers')
@Scopes('providers:read')
export class ProvidersController {
  constructor(@Inject(PROVIDER_VIEW) private readonly views: ProviderViews) {}

  @Get()
  @ApiOperation({ summary: 'Every configured provider, with what it can do and what is open there' })
  @ApiOkResponse({ description: 'All of them', schema: describedProviders as object })
  async listProviders(@Query() query: Record<string, unknown>): Promise<JsonValue> {
    rejectUnknownQuery(query, []);
    const data = await this.views.showProviders();
    return toSnakeJson({ data, next: null, previous: null });
  }

  @Get(':id')
  @ApiOperation({ summary: 'One provider' })
  @ApiProvider()
  async getProvider(@Param('id') id: string, @Query() query: Record<string, unknown>): Promise<JsonValue> {
    rejectUnknownQuery(query, []);
    const provider = await this.views.showProvider(id);
    return toSnakeJson(found(provider));
  }

  @Post(':id/disable')
  @HttpCode(200)
  @Scopes('providers:write')
  @ApiOperation({
    summary:
      'Stops calls to a provider at every instance; with dry_run: which slips and how much money it is about',
  })
  @ApiOkResponse({
    description: 'The provider; or what a dry run tells',
    schema: { oneOf: [describedProvider as object, describedDisablePreview as object] },
  })
  async disableProvider(
    @Param('id') id: string,
    @Body() { reason, dry_run: dryRun = false }: DisableBody,
    @Req() request: SwitchRequest,
  ): Promise<JsonValue> {
    if (dryRun) return toSnakeJson({ dryRun, ...found(await this.views.previewDisable(id)) });
    return this.switch(id, true, reason, request);
  }

  @Post(':id/enable')
  @HttpCode(200)
  @Scopes('providers:write')
  @ApiOperation({ summary: 'Lets calls to a provider begin again' })
  @ApiProvider()
  async enableProvider(
    @Param('id') id: string,
    @Body() { reason }: ReasonBody,
    @Req() request: SwitchRequest,
  ): Promise<JsonValue> {
    return this.switch(id, false, reason, request);
  }

  @Post(':id/restore-proof')
  @HttpCode(200)
  @Scopes('providers:write')
  @ApiOperation({
    summary:
      'Lets NOT_FOUND of a provider prove again that it did not execute a slip, after it broke its promise',
  })
  @ApiProvider()
  async restoreProviderProof(
    @Param('id') provider: string,
    @Body() { reason }: ReasonBody,
    @Req() request: SwitchRequest,
  ): Promise<JsonValue> {
    const actor = callerOf(request).subject;
    found(await this.views.restoreProof({ provider, reason, actor, requestId: request.id }));
    return toSnakeJson(found(await this.views.showProvider(provider)));
  }

  private async switch(
    provider: string,
    disabled: boolean,
    reason: string,
    request: SwitchRequest,
  ): Promise<JsonValue> {
    const actor = callerOf(request).subject;
    found(await this.views.switchProvider({ provider, disabled, reason, actor, requestId: request.id }));
    return toSnakeJson(found(await this.views.showProvider(provider)));
  }
}

function found<T>(one: T | null): T {
  if (one === null) throw new SlipstreamError('not_found', 'There is no such provider.');
  return one;
}
