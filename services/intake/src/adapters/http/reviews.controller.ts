import { Controller, Get, HttpCode, Inject, Param, Post, Query, Req, Res } from '@nestjs/common';
import { ApiBody, ApiHeader, ApiOkResponse, ApiOperation, ApiQuery, ApiTags } from '@nestjs/swagger';
import { type Instant, instantToMs, isUuid, parseInstant, SlipstreamError } from '@slipstream/kernel';
import {
  encodeCursor,
  type JsonValue,
  linkHeader,
  type Page,
  Parameters,
  rejectUnknownQuery,
  Scopes,
  type ServiceRequest,
  toSnakeJson,
} from '@slipstream/service-host';
import type { ListedReview, ReviewFilter } from '../../application/ports.ts';
import type { UseCases } from '../../application/use-cases.ts';
import { slipKinds } from '../../domain/submission/fields.ts';
import type { Wish } from '../../domain/waiting/decide-change.ts';
import { changed, type ReplyHeaders } from './answer.ts';
import { changeRequestOf, keyHeader, versionHeader } from './change-request.ts';
import { ApproveBody, ChangedBody, DeclineBody, ReviewBody } from './change-slip.dto.ts';
import { CHANGES, type Changes } from './changes.controller.ts';
import { readWords, wordChecks } from './read-words.ts';
import { languageOf } from './request.ts';

/** Injection token of the reviews that can be looked at. */
export const REVIEWS = Symbol('intake:reviews');

const statuses = ['open', 'approved', 'declined', 'withdrawn'] as const;
const filters = ['status', 'route', 'kind', 'account', 'maker', 'claimed_by'] as const;

/** Slips that people decide about before anything is held. */
@ApiTags('reviews')
@Controller('v1/reviews')
@Scopes('reviews:read')
export class ReviewsController {
  constructor(
    @Inject(REVIEWS) private readonly reviews: UseCases['reviews'],
    @Inject(CHANGES) private readonly does: Changes,
  ) {}

  @Get()
  @ApiOperation({ summary: 'Reviews, the oldest first' })
  @ApiQuery({ name: 'status', required: false, enum: statuses, description: 'open unless said otherwise' })
  @ApiQuery({ name: 'route', required: false })
  @ApiQuery({ name: 'kind', required: false, enum: slipKinds })
  @ApiQuery({ name: 'account', required: false })
  @ApiQuery({ name: 'maker', required: false })
  @ApiQuery({ name: 'claimed_by', required: false })
  @ApiQuery({ name: 'cursor', required: false })
  @ApiQuery({ name: 'page_size', required: false, type: Number })
  @ApiOkResponse({ description: 'A page of reviews: `{data, next, previous}`' })
  async list(
    @Query() query: Record<string, unknown>,
    @Req() request: { readonly url: string },
    @Res({ passthrough: true }) reply: ReplyHeaders,
  ): Promise<Page<JsonValue>> {
    const parameters = new Parameters(query, [...filters, 'cursor', 'page_size']);
    const cursor = parameters.cursor(isPosition);
    const from = cursor && { side: cursor[0], requestedAt: cursor[1], slipId: cursor[2] };
    const found = await this.reviews.reviews(toFilter(parameters), { size: parameters.pageSize(), from });
    const { reviews, now, hasNext, hasPrevious } = found;
    const page = {
      data: reviews.map((review) => shown(review, now)),
      next: hasNext ? cursorOf('after', reviews.at(-1)) : null,
      previous: hasPrevious ? cursorOf('before', reviews[0]) : null,
    };
    const link = linkHeader(request.url, page);
    if (link !== null) reply.header('link', link);
    return page;
  }

  @Get(':id')
  @ApiOperation({ summary: 'One review; the version of its slip is the ETag' })
  @ApiOkResponse({ type: ReviewBody })
  async one(
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
  claim(
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
  release(
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
  approve(
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
  decline(
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
    const { at, ...slip } = changed(outcome, reply, languageOf(request));
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

type Cursor = ['after' | 'before', Instant, string];

function isPosition(value: unknown): value is Cursor {
  if (!Array.isArray(value) || value.length !== 3) return false;
  const [side, at, slipId] = value;
  if (side !== 'after' && side !== 'before') return false;
  return typeof at === 'string' && parseInstant(at) === at && typeof slipId === 'string' && isUuid(slipId);
}

function cursorOf(side: Cursor[0], review: ListedReview | undefined): string | null {
  return review ? encodeCursor([side, review.requestedAt, review.slipId]) : null;
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
