import { Controller, Get, Inject, Param, Query, Req, Res } from '@nestjs/common';
import { ApiOperation, ApiQuery, ApiTags } from '@nestjs/swagger';
import type { CallerIdentity } from '@slipstream/identity';
import { parseInstant, SlipstreamError } from '@slipstream/kernel';
import {
  ApiList,
  answerList,
  Caller,
  type JsonValue,
  type ListReply,
  type ListRequest,
  listParameters,
  preferredLanguage,
  Scopes,
  versionTag,
} from '@slipstream/service-host';
import { type CauseLanguage, causeLanguages } from '@slipstream/slip';
import type { LedgerQueries, SlipView } from '../../application/queries.ts';
import { ApiSlip, describedEvent, describedSlip } from './described.ts';
import { Parameters, type Query as QueryOf } from './parameters.ts';
import { eventJson, lettersTag, slipJson, slipLettersJson } from './shapes.ts';
import { ApiSlipFilter, readSlipFilter } from './slip-filter.ts';
import { QUERIES } from './tokens.ts';
import { isVisible, readsMetadata } from './visible.ts';

const sorts = ['submitted_at', '-submitted_at'] as const;

@ApiTags('slips')
@Scopes('slips:read')
@Controller('v1/slips')
export class SlipsController {
  constructor(@Inject(QUERIES) private readonly queries: LedgerQueries) {}

  @Get()
  @ApiOperation({
    summary: 'Slips by filter, the latest first',
    description:
      'A parameter that is repeated means any of its values, `name.not` none of them, and `metadata.<key>` what the submitter wrote ' +
      'beside the slip. Pages stop at the slips that were known when the first one was read and show them as they are now. A page ' +
      'looks at a bounded number of slips: it may have few items, or none, although `next` leads on.',
  })
  @ApiSlipFilter()
  @ApiQuery({ name: 'deadline_from', required: false, description: 'RFC 3339, included' })
  @ApiQuery({ name: 'deadline_to', required: false, description: 'RFC 3339, not included' })
  @ApiQuery({ name: 'sort', required: false, enum: sorts, description: 'default: -submitted_at' })
  @ApiList(describedSlip, 'A page of slips')
  listSlips(
    @Query() query: QueryOf,
    @Caller() caller: CallerIdentity,
    @Req() request: ListRequest,
    @Res({ passthrough: true }) reply: ListReply,
  ) {
    const { filter, parameters } = readSlipFilter(query, caller, ['sort', ...listParameters]);
    const order = parameters.oneOf('sort', sorts) === 'submitted_at' ? 'asc' : 'desc';
    const language = languageOf(request);
    reply.header('content-language', language);
    return answerList(request, reply, {
      isKey: ([at, id, known, ...rest]) =>
        isInstant(at) && id !== undefined && known !== undefined && rest.length === 0,
      read: (page) => this.queries.slips(filter, order, page),
      show: (slip) => slipJson(slip, language),
      item: describedSlip,
    });
  }

  @Get(':id')
  @ApiOperation({ summary: 'One slip; its version is the ETag' })
  @ApiQuery({
    name: 'min_position',
    required: false,
    description: 'answer only when the ledger has applied this position; at most 5 s later',
  })
  @ApiQuery({ name: 'at', required: false, description: 'RFC 3339: the slip as its events told it then' })
  @ApiSlip()
  async getSlip(
    @Param('id') id: string,
    @Query() query: QueryOf,
    @Caller() caller: CallerIdentity,
    @Req() request: ListRequest,
    @Res({ passthrough: true }) reply: ListReply,
  ): Promise<JsonValue> {
    const parameters = new Parameters(query, ['min_position', 'at']);
    const at = parameters.instant('at');
    const position = parameters.position('min_position');
    if (position && !(await this.queries.waitFor(position))) {
      throw new SlipstreamError('position_timeout', 'The ledger has not applied that position yet.');
    }
    const slip = await this.#visible(id, caller, at);
    const language = languageOf(request);
    reply.header('content-language', language);
    const letters = at === undefined ? await this.queries.deadLetters(id) : null;
    if (letters !== null) {
      const usual = language === causeLanguages[0] ? null : language;
      reply.header('etag', versionTag(slip.version, usual, lettersTag(letters)));
    }
    return { ...(slipJson(slip, language) as object), ...slipLettersJson(letters) };
  }

  @Get(':id/events')
  @ApiOperation({
    summary: 'The events of a slip in log order',
    description:
      'What the submitter wrote beside the slip (`details`) is shown with the scope `metadata:read` alone.',
  })
  @ApiList(describedEvent, 'A page of its events')
  async listSlipEvents(
    @Param('id') id: string,
    @Query() query: QueryOf,
    @Caller() caller: CallerIdentity,
    @Req() request: ListRequest,
    @Res({ passthrough: true }) reply: ListReply,
  ) {
    new Parameters(query, listParameters);
    await this.#visible(id, caller);
    return answerList(request, reply, {
      isKey: ([version, ...rest]) => version !== undefined && /^\d{1,15}$/.test(version) && rest.length === 0,
      read: (page) => this.queries.events(id, page),
      show: (event) => eventJson(event, readsMetadata(caller)),
      item: describedEvent,
    });
  }

  /** PostgreSQL's text cannot hold NUL, so no slip has such an id. */
  async #visible(id: string, caller: CallerIdentity, at?: string): Promise<SlipView> {
    const slip = id.includes('\0') ? null : await this.queries.slip(id, at);
    if (slip !== null && isVisible(slip, caller)) return slip;
    throw new SlipstreamError('not_found', `There is no slip ${JSON.stringify(id)}${at ? ' then' : ''}.`);
  }
}

function languageOf({ headers }: ListRequest): CauseLanguage {
  return preferredLanguage(headers['accept-language'], causeLanguages);
}

function isInstant(text: string | undefined): boolean {
  return text !== undefined && parseInstant(text) === text;
}
