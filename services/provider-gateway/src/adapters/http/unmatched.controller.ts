import { Controller, Get, Inject, Query, Req, Res } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiQuery, ApiTags } from '@nestjs/swagger';
import { parseInstant } from '@slipstream/kernel';
import { encodeCursor, linkHeader, Parameters, Scopes, toSnakeJson } from '@slipstream/service-host';
import { type UnmatchedPlace, unmatchedKinds, unmatchedReasons } from '../../application/unmatched.ts';
import type { UseCases } from '../../application/use-cases.ts';

export const UNMATCHED_VIEW = Symbol('unmatched view');

interface Reply {
  header(name: string, value: string): unknown;
}

@ApiTags('unmatched')
@Controller('v1/unmatched')
@Scopes('providers:read')
export class UnmatchedController {
  constructor(@Inject(UNMATCHED_VIEW) private readonly views: Pick<UseCases, 'showUnmatched'>) {}

  @Get()
  @ApiOperation({
    summary: 'Callbacks and reports that have no slip yet, the oldest first, with their reason and age',
  })
  @ApiQuery({ name: 'kind', required: false, enum: unmatchedKinds })
  @ApiQuery({ name: 'reason', required: false, enum: unmatchedReasons })
  @ApiQuery({ name: 'sender', required: false })
  @ApiQuery({ name: 'cursor', required: false })
  @ApiQuery({ name: 'page_size', required: false, type: Number })
  @ApiOkResponse({ description: 'A page: `{data, next, previous}`' })
  async list(
    @Query() query: Record<string, string>,
    @Req() request: { readonly url: string },
    @Res({ passthrough: true }) reply: Reply,
  ) {
    const parameters = new Parameters(query, ['kind', 'reason', 'sender', 'cursor', 'page_size']);
    const filter = {
      kind: parameters.oneOf('kind', unmatchedKinds) ?? null,
      reason: parameters.oneOf('reason', unmatchedReasons) ?? null,
      sender: parameters.text('sender') ?? null,
    };
    const after = parameters.cursor(isPlace);
    const page = await this.views.showUnmatched(filter, after && toPlace(after), parameters.pageSize());
    const ends = { next: page.next && toCursor(page.next), previous: null };
    const link = linkHeader(request.url, ends);
    if (link !== null) reply.header('link', link);
    return { data: toSnakeJson(page.data), ...ends };
  }
}

type CursorContent = [string, UnmatchedPlace['kind'], string, string];

function isPlace(value: unknown): value is CursorContent {
  if (!Array.isArray(value) || value.length !== 4) return false;
  if (!value.every((part) => typeof part === 'string' && !part.includes('\0'))) return false;
  const [receivedAt, kind] = value;
  return parseInstant(receivedAt) === receivedAt && unmatchedKinds.includes(kind);
}

function toPlace([receivedAt, kind, sender, id]: CursorContent): UnmatchedPlace {
  return { receivedAt, kind, sender, id };
}

function toCursor({ receivedAt, kind, sender, id }: UnmatchedPlace): string {
  return encodeCursor([receivedAt, kind, sender, id]);
}
