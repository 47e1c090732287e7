import { Controller, Get, HttpCode, Inject, Param, Post, Query, Req, Res } from '@nestjs/common';
import { ApiBody, ApiHeader, ApiOkResponse, ApiOperation, ApiQuery, ApiTags } from '@nestjs/swagger';
import { type Instant, instantToMs, isUuid, SlipstreamError } from '@slipstream/kernel';
import {
  ApiList,
  answerList,
  isPlaceOf,
  type JsonValue,
  type List,
  type ListReply,
  type ListRequest,
  listParameters,
  Parameters,
  rejectUnknownQuery,
  Scopes,
  type ServiceRequest,
  schemas,
  toSnakeJson,
} from '@slipstream/service-host';
import { slipKinds } from '@slipstream/slip';
import type { ListedReview, ReviewFilter } from '../../application/ports.ts';
import type { UseCases } from '../../application/use-cases.ts';
import type { Wish } from '../../domain/waiting/decide-change.ts';
import { changed, type ReplyHeaders, SLIP_URL, type SlipUrl } from './answer.ts';
import { changeRequestOf, keyHeader, versionHeader } from './change-request.ts';
import { ApproveBody, ChangedBody, DeclineBody, ReviewBody } from './change-slip.dto.ts';
import { CHANGES, type Changes } from './changes.controller.ts';
import { readWords, wordChecks } from './read-words.ts';
import { languageOf } from './request.ts';

/** Injection token of the reviews that can be looked at. */
export const REVIEWS = Symbol('intake:reviews');

const statuses = ['open', 'approved', 'declined', 'withdrawn'] as const;
const { list: listOf, money, object, oneOf, optional, text, time, whole } = schemas;

const shownReview = object({
  ...{ id: text, reference: text, kind: oneOf(...slipKinds), account: text, counterparty: text },
  ...{ amount: optional(money), route: text, maker: text, status: oneOf(...statuses) },
  ...{
    rules: listOf(text),
    first_slip_id: optional(text),
    approvals_needed: whole,
    approved_by: listOf(text),
  },
  ...{
    claimed_by: optional(text),
    decided_by: optional(text),
    reason: optional(text),
    detail: optional(text),
  },
  ...{ requested_at: time, due_at: time, age_ms: optional(whole), version: whole },
});
const filters = ['status', 'route', 'kind', 'account', 'maker', 'claimed_by'] as const;

/** Slips that people decide about before anything is held. */
@ApiTags('reviews')
@Controller('v1/reviews')
@Scopes('reviews:read')
export class ReviewsController {
  constructor(
    @Inject(REVIEWS) private readonly reviews: UseCases['reviews'],
    @Inject(CHANGES) private readonly does: Changes,
    @Inject(SLIP_URL) private readonly slipUrl: SlipUrl,
  ) {}

  @Get()
  @ApiOperation({ summary: 'Reviews, the oldest first' })
  @ApiQuery({ name: 'status', required: false, enum: statuses, description: 'open unless said otherwise' })
  @ApiQuery({ name: 'route', required: false })
  @ApiQuery({ name: 'kind', required: false, enum: slipKinds })
  @ApiQuery({ name: 'account', required: false })
  @ApiQuery({ name: 'maker', required: false })
  @ApiQuery({ name: 'claimed_by', required: false })
  @ApiList(shownReview, 'Reviews')
  listReviews(
    @Query() query: Record<string, unknown>,
    @Req() request: ListRequest,
    @Res({ passthrough: true }) reply: ListReply,
  ) {
    const filter = toFilter(new Parameters(query, [...filters, ...listParameters]));
    const list: List<{ readonly review: ListedReview; readonly now: Instant }> = {
      isKey: isPlaceOf(isUuid),
      read: async (page) => {
        const { items, now, next, previous } = await this.reviews.reviews(filter, page);
        return { items: items.map((review) => ({ review, now })), next, previous };
      },
      show: ({ review, now }) => shown(review, now),
      item: shownReview,
    };
    return answerList(request, reply, list);
  }

  @Get(':id')
  @ApiOperation({ summary: 'One review; the version of its slip is the ETag' })
  @ApiOkResponse({ type: ReviewBody })
  async getReview(
    @Param('id') id: string,
    @Query() query: Record<string, unknown>,
    @Res({ passthrough: true }) reply: ReplyHeaders,
  ): Promise<JsonValue> {
    rejectUnknownQuery(query, []);
    const found = isUuid(id) ? await this.reviews.review(id) : null;
    if (found === null) throw new SlipstreamError('not_found', 'There is no such review.');
    reply.header('etag', `"${found.review.version}"`);
    return shown(found.review, found.now);
  }

  @Post(':id/claim')
  @HttpCode(200)
  @Scopes('reviews:write')
  @ApiOperation({ summary: 'Say that you look at it; whoever claims it later takes it over' })
  @ApiHeader(keyHeader)
  @ApiHeader(versionHeader)
  @ApiOkResponse({ type: ChangedBody })
  claimReview(
    @Param('id') id: string,
    @Req() request: ServiceRequest,
    @Res({ passthrough: true }) reply: ReplyHeaders,
  ): Promise<ChangedBody> {
    return this.#change(id, request, reply, (by) => {
      readWords(request.body, wordChecks.claim);
      return { type: 'claim', by };
    });
  }

  @Post(':id/release')
  @HttpCode(200)
  @Scopes('reviews:write')
  @ApiOperation({ summary: 'Give back what you claimed: nobody looks at it any more' })
  @ApiHeader(keyHeader)
  @ApiHeader(versionHeader)
  @ApiOkResponse({ type: ChangedBody })
  releaseReview(
    @Param('id') id: string,
    @Req() request: ServiceRequest,
    @Res({ passthrough: true }) reply: ReplyHeaders,
  ): Promise<ChangedBody> {
    return this.#change(id, request, reply, (by) => {
      readWords(request.body, wordChecks.release);
      return { type: 'release', by };
    });
  }

  @Post(':id/approve')
  @HttpCode(200)
  @Scopes('reviews:write')
  @ApiOperation({
    summary: 'Approve it: with the last approval that it needs the slip goes on',
    description: 'Whoever submitted it cannot; where two must approve, nobody can twice.',
  })
  @ApiHeader(keyHeader)
  @ApiHeader(versionHeader)
  @ApiBody({ type: ApproveBody, required: false })
  @ApiOkResponse({ type: ChangedBody })
  approveReview(
    @Param('id') id: string,
    @Req() request: ServiceRequest,
    @Res({ passthrough: true }) reply: ReplyHeaders,
  ): Promise<ChangedBody> {
    return this.#change(id, request, reply, (by) => {
      const { note = '' } = readWords<ApproveBody>(request.body, wordChecks.approve);
      return { type: 'approve', by, note };
    });
  }

  @Post(':id/decline')
  @HttpCode(200)
  @Scopes('reviews:write')
  @ApiOperation({ summary: 'Decline it: the slip ends, and nothing was held' })
  @ApiHeader(keyHeader)
  @ApiHeader(versionHeader)
  @ApiBody({ type: DeclineBody })
  @ApiOkResponse({ type: ChangedBody })
  declineReview(
    @Param('id') id: string,
    @Req() request: ServiceRequest,
    @Res({ passthrough: true }) reply: ReplyHeaders,
  ): Promise<ChangedBody> {
    return this.#change(id, request, reply, (by) => {
      const { reason, detail = '' } = readWords<DeclineBody>(request.body, wordChecks.decline);
      return { type: 'decline', by, reason, detail };
    });
  }

  async #change(
    id: string,
    request: ServiceRequest,
    reply: ReplyHeaders,
    wishOf: (by: string) => Wish,
  ): Promise<ChangedBody> {
    const outcome = await this.does.changeSlip(changeRequestOf(id, request, wishOf));
    const telling = { language: languageOf(request), slipUrl: this.slipUrl };
    const { at, ...slip } = changed(outcome, reply, telling);
    return { ...slip, changed_at: at };
  }
}

function toFilter(parameters: Parameters): ReviewFilter {
  return {
    status: parameters.oneOf('status', statuses) ?? 'open',
    route: parameters.text('route') ?? null,
    kind: parameters.oneOf('kind', slipKinds) ?? null,
    account: parameters.text('account') ?? null,
    maker: parameters.text('maker') ?? null,
    claimedBy: parameters.text('claimed_by') ?? null,
  };
}

function shown(review: ListedReview, now: Instant): JsonValue {
  const { slipId, firstApprover, secondApprover, outcomeDeadlineMs: _, deadline: __, ...rest } = review;
  return toSnakeJson({
    id: slipId,
    ...rest,
    approvedBy: [firstApprover, secondApprover].filter((name) => name !== null),
    reason: review.reason || null,
    detail: review.detail || null,
    ageMs: review.status === 'open' ? instantToMs(now) - instantToMs(review.requestedAt) : null,
  });
}
