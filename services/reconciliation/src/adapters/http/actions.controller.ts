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
import { isUuid, keyReused, SlipstreamError } from '@slipstream/kernel';
import {
  ApiList,
  answerList,
  callerOf,
  describedNote,
  describedWords,
  dryRunKeyHeader,
  idempotencyKeyOf,
  isPlaceOf,
  type JsonValue,
  type ListReply,
  type ListRequest,
  listParameters,
  Parameters,
  readNote,
  rejectUnknownQuery,
  Scopes,
  type ServiceRequest,
  toSnakeJson,
} from '@slipstream/service-host';
import type { ActOnCases } from '../../application/actions/act-on-cases.ts';
import type { ActionDesk, ActionFilter, Decision, KeptAction } from '../../application/actions/ports.ts';
import { actionTypes } from '../../domain/case/act.ts';
import { ifVersionOf, readAction, readBulk } from './action-body.ts';
import { describedAction, describedBulk, describedPreview } from './described.ts';
import { keyed, toPlace } from './places.ts';

/** Injection token of {@link CaseActions}. */
export const ACTIONS = Symbol('reconciliation:actions');

export interface CaseActions extends ActOnCases {
  readonly desk: Pick<ActionDesk, 'action' | 'actions' | 'bulk'>;
  newId(): string;
  digestOf(value: unknown): Uint8Array;
  /** Of `slips.events.v1`. */
  partitionOf(slipId: string): number;
}

/** A list of thousands that is wrong as a whole is seen as well by its first ones. */
const errorsMax = 20;

interface Reply extends ListReply {
  status(code: number): unknown;
}

const versionHeader = {
  ...{ name: 'If-Match', required: false, schema: { type: 'string' as const } },
  description: 'The ETag of the case as the caller has seen it; 412 when it has changed since',
};
const actionSchema = {
  type: 'object' as const,
  required: ['action', 'reason'],
  properties: {
    action: { type: 'string' as const, enum: [...actionTypes] },
    reason: { ...describedWords, description: 'Why; the text of a note' },
    assignee: { type: ['string', 'null'] as unknown as 'string', description: 'Of assign; null: nobody' },
    case_reason: {
      type: 'string' as const,
      description: 'Of close: for which of its reasons; absent: for all',
    },
    dry_run: { type: 'boolean' as const, description: 'Says what would follow, and does nothing' },
  },
  example: { action: 'assign', reason: 'knows the provider', assignee: 'bob' },
};
const bulkSchema = {
  ...actionSchema,
  properties: {
    ...actionSchema.properties,
    slip_ids: { type: 'array' as const, items: { type: 'string' as const } },
    filter: { type: 'object' as const, description: 'The filters of GET /v1/cases; open cases only' },
  },
  example: { action: 'release', reason: 'the provider confirmed', filter: { reason: 'repair_budget' } },
};
const statuses = ['waiting', 'proposed', 'done', 'declined', 'refused'] as const;

/** What people have done about cases. */
@ApiTags('cases')
@Controller('v1')
@Scopes('cases:read')
export class ActionsController {
  constructor(@Inject(ACTIONS) private readonly does: CaseActions) {}

  @Post('cases/:slip_id/actions')
  @HttpCode(200)
  @Scopes('cases:write')
  @ApiOperation({
    summary: 'Do something about a case: inquire, refund, release, note, assign or close',
    description:
      'A refund by hand is only proposed: another person must approve it. 202 with Location where something is left to ' +
      'be done or decided. With `dry_run` nothing is done, and the answer shows the events and postings that would follow.',
  })
  @ApiHeader(dryRunKeyHeader)
  @ApiHeader(versionHeader)
  @ApiBody({ schema: actionSchema })
  @ApiOkResponse({
    description: 'It was done; or what a dry run shows',
    schema: { oneOf: [describedAction as object, describedPreview as object] },
  })
  @ApiAcceptedResponse({ description: 'Another person must decide', schema: describedAction as object })
  async actOnCase(
    @Param('slip_id') id: string,
    @Query() query: Record<string, unknown>,
    @Req() request: ServiceRequest,
    @Res({ passthrough: true }) reply: Reply,
  ): Promise<JsonValue> {
    rejectUnknownQuery(query, []);
    const { action, reason, dryRun } = readAction(request.body);
    const by = callerOf(request).subject;
    const slipId = storable(id) ? id : '';
    if (dryRun) {
      const preview = await this.does.preview(slipId, { action, reason, by });
      if (preview === null) throw noCase(id);
      return toSnakeJson(preview);
    }
    const key = idempotencyKeyOf(request);
    const ifVersion = ifVersionOf(request);
    const asked = await this.does.act({
      ...{
        id: this.does.newId(),
        slipId,
        partition: this.does.partitionOf(slipId),
        ifVersion,
        action,
        reason,
      },
      ...{ by, key, digest: this.does.digestOf([slipId, action, reason]) },
    });
    if (asked === null) throw noCase(id);
    if (asked.type !== 'asked') throw keyReused();
    if (asked.replayed) reply.header('idempotent-replayed', 'true');
    return shown(asked.kept, reply);
  }

  @Post('cases::actions')
  @HttpCode(202)
  @Scopes('cases:write')
  @ApiOperation({
    summary: 'Do the same about many cases: those that are named, or that a filter finds',
    description:
      'The list is fixed when the bulk is made; each of its cases is an action of its own, done once, and says what came ' +
      'of it. Cases that are closed by then are left out; a slip that never had one is refused, and nothing is done.',
  })
  @ApiHeader(dryRunKeyHeader)
  @ApiBody({ schema: bulkSchema })
  @ApiOkResponse({
    description: 'What a dry run shows',
    schema: { type: 'object', properties: { data: { type: 'array', items: describedPreview as object } } },
  })
  @ApiAcceptedResponse({ description: 'Location says what comes of it', schema: describedBulk as object })
  async actOnCases(
    @Query() query: Record<string, unknown>,
    @Req() request: ServiceRequest,
    @Res({ passthrough: true }) reply: Reply,
  ): Promise<JsonValue> {
    rejectUnknownQuery(query, []);
    const { action, reason, dryRun, cases } = readBulk(request.body);
    const by = callerOf(request).subject;
    const misnamed = await this.does.misnamed(cases);
    if (misnamed.length > 0) throw noCases(misnamed);
    if (dryRun) {
      const previews = await this.does.previewMany({ action, reason, by }, cases);
      if (previews === null) throw tooMany();
      reply.status(200);
      return toSnakeJson({ data: previews });
    }
    const asked = await this.does.actOnMany({
      ...{ id: this.does.newId(), action, reason, by, cases, key: idempotencyKeyOf(request) },
      digest: this.does.digestOf([action, reason, cases]),
    });
    if (asked.type === 'key_reused') throw keyReused();
    if (asked.type === 'too_many') throw tooMany();
    if (asked.replayed) reply.header('idempotent-replayed', 'true');
    reply.header('location', `/v1/case-bulks/${asked.kept.id}`);
    return toSnakeJson(asked.kept);
  }

  @Get('case-bulks/:id')
  @ApiOperation({ summary: 'One bulk, and how far it has come; its cases: GET /v1/case-actions?bulk=' })
  @ApiOkResponse({ schema: describedBulk as object })
  async getCaseBulk(@Param('id') id: string, @Query() query: Record<string, unknown>): Promise<JsonValue> {
    rejectUnknownQuery(query, []);
    const found = isUuid(id) ? await this.does.desk.bulk(id) : null;
    if (found === null) throw new SlipstreamError('not_found', 'There is no such bulk.');
    return toSnakeJson(found);
  }

  @Get('case-actions')
  @ApiOperation({ summary: 'What people had done about cases, the newest first' })
  @ApiQuery({ name: 'slip', required: false })
  @ApiQuery({ name: 'bulk', required: false })
  @ApiQuery({ name: 'status', required: false, enum: statuses })
  @ApiQuery({ name: 'action', required: false, enum: actionTypes })
  @ApiQuery({ name: 'by', required: false, description: 'Who wanted it' })
  @ApiList(describedAction, 'Actions')
  listCaseActions(
    @Query() query: Record<string, string>,
    @Req() request: ListRequest,
    @Res({ passthrough: true }) reply: ListReply,
  ) {
    const filter = toActionFilter(
      new Parameters(query, ['slip', 'bulk', 'status', 'action', 'by', ...listParameters]),
    );
    return answerList(request, reply, {
      isKey: isPlaceOf(isUuid),
      read: async ({ limit, from }) =>
        keyed(await this.does.desk.actions(filter, from && toPlace(from), limit)),
      show: toSnakeJson,
      item: describedAction,
    });
  }

  @Get('case-actions/:id')
  @ApiOperation({ summary: 'One action, and what came of it' })
  @ApiOkResponse({ schema: describedAction as object })
  async getCaseAction(@Param('id') id: string, @Query() query: Record<string, unknown>): Promise<JsonValue> {
    rejectUnknownQuery(query, []);
    const found = isUuid(id) ? await this.does.desk.action(id) : null;
    if (found === null) throw noAction();
    return toSnakeJson(found);
  }

  @Post('case-actions/:id/approve')
  @HttpCode(200)
  @Scopes('refunds:approve')
  @ApiOperation({ summary: 'Approve a refund that another person has proposed: the ledger is asked for it' })
  @ApiBody({ schema: describedNote })
  @ApiOkResponse({ schema: describedAction as object })
  approveCaseAction(
    @Param('id') id: string,
    @Query() query: Record<string, unknown>,
    @Req() request: ServiceRequest,
    @Res({ passthrough: true }) reply: Reply,
  ): Promise<JsonValue> {
    return this.#decide('approve', id, query, request, reply);
  }

  @Post('case-actions/:id/decline')
  @HttpCode(200)
  @Scopes('refunds:approve')
  @ApiOperation({ summary: 'Decline a refund that another person has proposed: the money stays held' })
  @ApiBody({ schema: describedNote })
  @ApiOkResponse({ schema: describedAction as object })
  declineCaseAction(
    @Param('id') id: string,
    @Query() query: Record<string, unknown>,
    @Req() request: ServiceRequest,
    @Res({ passthrough: true }) reply: Reply,
  ): Promise<JsonValue> {
    return this.#decide('decline', id, query, request, reply);
  }

  async #decide(
    type: Decision['type'],
    id: string,
    query: Record<string, unknown>,
    request: ServiceRequest,
    reply: Reply,
  ): Promise<JsonValue> {
    rejectUnknownQuery(query, []);
    const decision = { type, note: readNote(request.body), by: callerOf(request).subject };
    const decided = isUuid(id) ? await this.does.decide(id, decision) : { type: 'not_found' as const };
    switch (decided.type) {
      case 'decided':
        return shown(decided.kept, reply);
      case 'not_found':
        throw noAction();
      case 'same_person':
        throw new SlipstreamError('same_person', 'Whoever proposed the refund must not decide about it.');
      case 'too_late': {
        const { kept } = decided;
        // The same decision of the same person again.
        if (kept.decision?.by === decision.by && kept.decision.type === type) return shown(kept, reply);
        throw new SlipstreamError('conflict', `It is ${kept.status}; there is nothing to decide.`);
      }
      default:
        return decided satisfies never;
    }
  }
}

/** @throws SlipstreamError when it was refused */
function shown(kept: KeptAction, reply: Reply): JsonValue {
  if (kept.refusal !== null) throw new SlipstreamError(kept.refusal.code, kept.refusal.detail);
  if (kept.status === 'waiting' || kept.status === 'proposed') {
    reply.status(202);
    reply.header('location', `/v1/case-actions/${kept.id}`);
  }
  return toSnakeJson(kept);
}

function toActionFilter(parameters: Parameters): ActionFilter {
  const bulkId = parameters.text('bulk') ?? null;
  if (bulkId !== null && !isUuid(bulkId)) throw new SlipstreamError('not_found', 'There is no such bulk.');
  return {
    ...{ slipId: parameters.text('slip') ?? null, bulkId, by: parameters.text('by') ?? null },
    status: parameters.oneOf('status', statuses) ?? null,
    action: parameters.oneOf('action', actionTypes) ?? null,
  };
}

/** U+0000 cannot be stored, so nothing is found under it. */
function storable(id: string): boolean {
  return !id.includes('\0');
}

function noCase(id: string): SlipstreamError {
  return new SlipstreamError('not_found', `Slip ${id.slice(0, 100)} has no case.`);
}

function noAction(): SlipstreamError {
  return new SlipstreamError('not_found', 'There is no such action.');
}

function noCases(slipIds: readonly string[]): SlipstreamError {
  return new SlipstreamError('validation_failed', 'The bulk names slips that have no case.', {
    errors: slipIds
      .slice(0, errorsMax)
      .map((id) => ({ pointer: '/slip_ids', detail: `slip ${id} has no case` })),
  });
}

function tooMany(): SlipstreamError {
  return new SlipstreamError('validation_failed', 'The filter finds more cases than one bulk may have.');
}
