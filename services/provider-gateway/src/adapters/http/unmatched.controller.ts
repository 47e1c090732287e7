import { Controller, Get, Inject, Query, Req, Res } from '@nestjs/common';
import { ApiOperation, ApiQuery, ApiTags } from '@nestjs/swagger';
import { parseInstant } from '@slipstream/kernel';
import {
  ApiList,
  answerList,
  type ListReply,
  type ListRequest,
  listParameters,
  Parameters,
  Scopes,
  schemas,
  toSnakeJson,
} from '@slipstream/service-host';
import { type UnmatchedPlace, unmatchedKinds, unmatchedReasons } from '../../application/unmatched.ts';
import type { UseCases } from '../../application/use-cases.ts';

export const UNMATCHED_VIEW = Symbol('unmatched view');

const { object, oneOf, optional, text, time, whole } = schemas;

const item = object({
  kind: oneOf(...unmatchedKinds),
  reason: oneOf(...unmatchedReasons),
  sender: text,
  id: text,
  slip_id: optional(text),
  reference: optional(text),
  clock: text,
  received_at: time,
  age_s: optional(whole),
  said: text,
});

@ApiTags('unmatched')
@Controller('v1/unmatched')
@Scopes('providers:read')
export class UnmatchedController {
  constructor(@Inject(UNMATCHED_VIEW) private readonly views: Pick<UseCases, 'showUnmatched'>) {}

  @Get()
  @ApiOperation({
    summary:
      'Callbacks, reports and lines of statements that have no slip yet, the oldest first, with their reason and age',
  })
  @ApiQuery({ name: 'kind', required: false, enum: unmatchedKinds })
  @ApiQuery({ name: 'reason', required: false, enum: unmatchedReasons })
  @ApiQuery({ name: 'sender', required: false })
  @ApiList(item, 'What has no slip yet')
  listUnmatched(
    @Query() query: Record<string, string>,
    @Req() request: ListRequest,
    @Res({ passthrough: true }) reply: ListReply,
  ) {
    const parameters = new Parameters(query, ['kind', 'reason', 'sender', ...listParameters]);
    const filter = {
      kind: parameters.oneOf('kind', unmatchedKinds) ?? null,
      reason: parameters.oneOf('reason', unmatchedReasons) ?? null,
      sender: parameters.text('sender') ?? null,
    };
    return answerList(request, reply, {
      isKey: isPlace,
      read: async ({ limit, from }) => {
        const page = await this.views.showUnmatched(filter, from && toPlace(from.key), limit);
        return { items: page.data, next: page.next && keyOf(page.next), previous: null };
      },
      show: toSnakeJson,
      item,
    });
  }
}

function isPlace(key: readonly string[]): boolean {
  const [receivedAt, kind, , id, ...rest] = key;
  if (id === undefined || rest.length > 0 || key.some((part) => part.includes('\0'))) return false;
  if (kind === 'statement_line' && !/^\d{4}-\d\d-\d\d:\d{1,9}$/.test(id)) return false;
  return parseInstant(receivedAt!) === receivedAt && unmatchedKinds.some((known) => known === kind);
}

function toPlace([receivedAt, kind, sender, id]: readonly string[]): UnmatchedPlace {
  return { receivedAt, kind, sender, id } as UnmatchedPlace;
}

function keyOf({ receivedAt, kind, sender, id }: UnmatchedPlace): readonly string[] {
  return [receivedAt, kind, sender, id];
}
