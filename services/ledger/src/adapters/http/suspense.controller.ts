import { Controller, Get, HttpCode, Inject, Param, Post, Query, Req, Res } from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiBody,
  ApiHeader,
  ApiOkResponse,
  ApiOperation,
  ApiQuery,
  ApiTags,
} from '@nestjs/swagger';
import { isUuid, SlipstreamError } from '@slipstream/kernel';
import {
  ApiList,
  answerList,
  callerOf,
  describedNote,
  dryRunKeyHeader,
  idempotencyKeyOf,
  isPlaceOf,
  type JsonValue,
  type ListReply,
  type ListRequest,
  listParameters,
  readNote,
  rejectUnknownQuery,
  Scopes,
  type ServiceRequest,
  toSnakeJson,
} from '@slipstream/service-host';
import { wallClock } from '@slipstream/slip';
import type { DecideSuspense } from '../../application/suspense/decide-suspense.ts';
import {
  decisionStatuses,
  type KeptDecision,
  type MoneyInSuspense,
  type SuspenseReads,
  suspenseOrigins,
  type Verdict,
} from '../../application/suspense/ports.ts';
import {
  decisionSchema,
  describedDecision,
  describedDecisionPreview,
  describedMoney,
} from './described-suspense.ts';
import { Parameters, type Query as QueryOf } from './parameters.ts';
import { readDecision } from './suspense-body.ts';
import { SUSPENSE } from './tokens.ts';

/** What this controller asks the service. */
export interface Suspense extends DecideSuspense {
  readonly reads: SuspenseReads;
  newId(): string;
  digestOf(value: unknown): Uint8Array;
}

interface Reply extends ListReply {
  status(code: number): unknown;
}

/** Money that a provider owes for what it denies, or that is held for a success in doubt, until people say what becomes of it. */
@ApiTags('suspense')
@Controller('v1')
@Scopes('cases:read')
export class SuspenseController {
  constructor(@Inject(SUSPENSE) private readonly suspense: Suspense) {}

  @Get('suspense')
  @ApiOperation({
    summary: 'Money that waits for people: settled, then denied, or held in doubt; the oldest slip first',
    description: 'What is claimed from providers is listed with `origin=claimed`, or with a `slip`.',
  })
  @ApiQuery({ name: 'origin', required: false, enum: suspenseOrigins })
  @ApiQuery({ name: 'slip', required: false, description: 'of this slip, whatever its origin' })
  @ApiQuery({ name: 'account', required: false, description: 'whose it would be' })
  @ApiQuery({ name: 'provider', required: false, description: 'on whom it is claimed, or who executed' })
  @ApiQuery({ name: 'currency', required: false })
  @ApiQuery({
    name: 'proposed',
    required: false,
    enum: ['true', 'false'],
    description: 'true: of which somebody has said what is to become of it; false: the rest',
  })
  @ApiQuery({ name: 'clock', required: false, description: 'default: wall' })
  @ApiList(describedMoney, 'A page of what lies there')
  listSuspense(
    @Query() query: QueryOf,
    @Req() request: ListRequest,
    @Res({ passthrough: true }) reply: ListReply,
  ) {
    const names = [
      'origin',
      'slip',
      'account',
      'provider',
      'currency',
      'proposed',
      'clock',
      ...listParameters,
    ];
    const parameters = new Parameters(query, names);
    const proposed = parameters.oneOf('proposed', ['true', 'false']);
    const filter = {
      clock: parameters.text('clock') ?? wallClock,
      origin: parameters.oneOf('origin', suspenseOrigins),
      slip: parameters.text('slip'),
      account: parameters.text('account'),
      provider: parameters.text('provider'),
      currency: parameters.currency('currency'),
      proposed: proposed === undefined ? undefined : proposed === 'true',
    };
    return answerList(request, reply, {
      isKey: isPlaceOf((id) => !id.includes('\0')),
      read: (page) => this.suspense.reads.list(filter, page),
      show: moneyJson,
      item: describedMoney,
    });
  }

  @Post('suspense/:slip_id/decisions')
  @HttpCode(202)
  @Scopes('cases:write')
  @ApiOperation({
    summary:
      'Propose what becomes of what lies in suspense, or is in doubt (give it back, or uphold the success), or write off a claim',
    description:
      'Another person must approve it; then SuspenseDecided is an event of the slip, and what is booked follows. ' +
      'With `dry_run` nothing is done, and the answer shows the postings.',
  })
  @ApiHeader(dryRunKeyHeader)
  @ApiBody({ schema: decisionSchema })
  @ApiOkResponse({ description: 'What a dry run shows', schema: describedDecisionPreview })
  @ApiAcceptedResponse({ description: 'Another person must decide', schema: describedDecision })
  async proposeSuspenseDecision(
    @Param('slip_id') id: string,
    @Query() query: Record<string, unknown>,
    @Req() request: ServiceRequest,
    @Res({ passthrough: true }) reply: Reply,
  ): Promise<JsonValue> {
    rejectUnknownQuery(query, []);
    const { decision, reason, dryRun } = readDecision(request.body);
    // U+0000 cannot be stored, so nothing is found under it.
    const slipId = id.includes('\0') ? '' : id;
    if (dryRun) {
      const preview = await this.suspense.preview(slipId, decision);
      reply.status(200);
      return toSnakeJson(preview);
    }
    const { kept, replayed } = await this.suspense.propose({
      ...{ id: this.suspense.newId(), slipId, decision, reason, by: callerOf(request).subject },
      ...{ key: idempotencyKeyOf(request), digest: this.suspense.digestOf([slipId, decision, reason]) },
    });
    if (replayed) reply.header('idempotent-replayed', 'true');
    reply.header('location', `/v1/suspense-decisions/${kept.id}`);
    return toSnakeJson(kept);
  }

  @Get('suspense-decisions')
  @ApiOperation({ summary: 'What people wanted to become of money in suspense, the newest first' })
  @ApiQuery({ name: 'slip', required: false })
  @ApiQuery({ name: 'by', required: false, description: 'who proposed it' })
  @ApiQuery({ name: 'status', required: false, enum: decisionStatuses })
  @ApiList(describedDecision, 'A page of decisions')
  listSuspenseDecisions(
    @Query() query: QueryOf,
    @Req() request: ListRequest,
    @Res({ passthrough: true }) reply: ListReply,
  ) {
    const parameters = new Parameters(query, ['slip', 'by', 'status', ...listParameters]);
    const filter = {
      slip: parameters.text('slip'),
      proposedBy: parameters.text('by'),
      status: parameters.oneOf('status', decisionStatuses),
    };
    return answerList<KeptDecision>(request, reply, {
      isKey: isPlaceOf(isUuid),
      read: (page) => this.suspense.reads.decisions(filter, page),
      show: toSnakeJson,
      item: describedDecision,
    });
  }

  @Get('suspense-decisions/:id')
  @ApiOperation({ summary: 'One decision, and what came of it' })
  @ApiOkResponse({ description: 'The decision', schema: describedDecision })
  async getSuspenseDecision(
    @Param('id') id: string,
    @Query() query: Record<string, unknown>,
  ): Promise<JsonValue> {
    rejectUnknownQuery(query, []);
    const found = isUuid(id) ? await this.suspense.reads.decision(id) : null;
    if (found === null) throw noDecision();
    return toSnakeJson(found);
  }

  @Post('suspense-decisions/:id/approve')
  @HttpCode(202)
  @Scopes('refunds:approve')
  @ApiOperation({ summary: 'Approve what another person has proposed: it is booked in the order of the log' })
  @ApiBody({ schema: describedNote })
  @ApiAcceptedResponse({ description: 'It will be booked', schema: describedDecision })
  approveSuspenseDecision(
    @Param('id') id: string,
    @Query() query: Record<string, unknown>,
    @Req() request: ServiceRequest,
    @Res({ passthrough: true }) reply: Reply,
  ): Promise<JsonValue> {
    reply.header('location', `/v1/suspense-decisions/${encodeURIComponent(id)}`);
    return this.#judge('approve', id, query, request);
  }

  @Post('suspense-decisions/:id/decline')
  @HttpCode(200)
  @Scopes('refunds:approve')
  @ApiOperation({ summary: 'Decline what another person has proposed: the money stays in suspense' })
  @ApiBody({ schema: describedNote })
  @ApiOkResponse({ description: 'The decision', schema: describedDecision })
  declineSuspenseDecision(
    @Param('id') id: string,
    @Query() query: Record<string, unknown>,
    @Req() request: ServiceRequest,
  ): Promise<JsonValue> {
    return this.#judge('decline', id, query, request);
  }

  async #judge(
    type: Verdict['type'],
    id: string,
    query: Record<string, unknown>,
    request: ServiceRequest,
  ): Promise<JsonValue> {
    rejectUnknownQuery(query, []);
    const verdict = { type, note: readNote(request.body), by: callerOf(request).subject };
    if (!isUuid(id)) throw noDecision();
    return toSnakeJson(await this.suspense.judge(id, verdict));
  }
}

function moneyJson({ partition: _, entry: __, ...shown }: MoneyInSuspense): JsonValue {
  return toSnakeJson(shown);
}

function noDecision(): SlipstreamError {
  return new SlipstreamError('not_found', 'There is no such decision.');
}
