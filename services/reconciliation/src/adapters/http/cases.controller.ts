import { Controller, Get, Inject, Param, Query, Req, Res } from '@nestjs/common';
import { ApiOperation, ApiQuery, ApiTags } from '@nestjs/swagger';
import { SlipstreamError } from '@slipstream/kernel';
import {
  answerList,
  isPlaceOf,
  type ListReply,
  type ListRequest,
  listParameters,
  Parameters,
  preferredLanguage,
  rejectUnknownQuery,
  Scopes,
  toSnakeJson,
  versionTag,
} from '@slipstream/service-host';
import { type CauseLanguage, causeClasses, causeCodes, causeLanguages, shownCause } from '@slipstream/slip';
import type { CaseFilter, CaseView, Reads } from '../../application/reads.ts';
import { reasons } from '../../domain/case/reasons.ts';
import { ApiCase, ApiCases, describedCase } from './described.ts';
import { keyed, toPlace } from './places.ts';
import { ApiWords, wordNames, wordsOf } from './words.ts';

const isKey = isPlaceOf((slipId) => !slipId.includes('\0'));

/** Injection token of {@link Reads}. */
export const READS = Symbol('reconciliation:reads');

/** What cases can be asked by; a bulk takes the same. */
export const caseWords = wordNames(['status', 'cause', 'provider', 'assignee', 'reason']);
export const caseFilters = ['unassigned', 'escalated', 'min_age_s', 'incident'] as const;
const known = [...caseFilters, ...listParameters] as const;
const statuses = ['open', 'closed'] as const;
/** One of the classes is a code, too. */
const causeWords = [...new Set([...causeClasses, ...causeCodes])];

@ApiTags('cases')
@Controller('v1/cases')
@Scopes('cases:read')
export class CasesController {
  constructor(@Inject(READS) private readonly reads: Reads) {}

  @Get()
  @ApiOperation({ summary: 'Cases, the newest first' })
  @ApiWords('status', { known: statuses })
  @ApiWords('cause', { known: causeWords, meaning: 'class or code of a cause' })
  @ApiWords('provider')
  @ApiQuery({ name: 'incident', required: false, description: 'Of the slips that were missed in it' })
  @ApiWords('assignee', { meaning: 'who looks after it' })
  @ApiWords('reason', { known: reasons, meaning: 'one of its reasons, such as `inquiry_exhausted`' })
  @ApiQuery({
    name: 'unassigned',
    required: false,
    enum: ['true', 'false'],
    description: 'Nobody looks after it',
  })
  @ApiQuery({ name: 'escalated', required: false, enum: ['true', 'false'], description: 'Open for too long' })
  @ApiQuery({
    name: 'min_age_s',
    required: false,
    schema: { type: 'integer', minimum: 0, maximum: 999_999 },
    description: 'Opened at least so many seconds ago',
  })
  @ApiCases()
  listCases(
    @Query() query: Record<string, string>,
    @Req() request: ListRequest,
    @Res({ passthrough: true }) reply: ListReply,
  ) {
    const filter = toFilter(new Parameters(query, known, caseWords));
    const language = languageOf(request);
    reply.header('content-language', language);
    return answerList(request, reply, {
      isKey,
      read: async ({ limit, from }) => keyed(await this.reads.cases(filter, from && toPlace(from), limit)),
      show: (one) => caseJson(one, language),
      item: describedCase,
    });
  }

  @Get(':slip_id')
  @ApiOperation({
    summary: 'The case of one slip, with its diagnosis and the events that show it; its version is the ETag',
  })
  @ApiCase()
  async getCase(
    @Param('slip_id') slipId: string,
    @Query() query: Record<string, string>,
    @Req() request: ListRequest,
    @Res({ passthrough: true }) reply: ListReply,
  ) {
    rejectUnknownQuery(query, []);
    // U+0000 cannot be stored, so nothing is found under it.
    const found = slipId.includes('\u0000') ? null : await this.reads.caseOf(slipId);
    if (!found) throw new SlipstreamError('not_found', `Slip ${slipId.slice(0, 100)} has no case.`);
    const language = languageOf(request);
    reply.header('content-language', language);
    reply.header('etag', versionTag(found.version, language === causeLanguages[0] ? null : language));
    return caseJson(found, language);
  }
}

/** A case with its cause in the reader's language. */
function caseJson({ cause, ...rest }: CaseView, language: CauseLanguage) {
  return toSnakeJson({ ...rest, cause: cause && shownCause(cause, language) });
}

function languageOf({ headers }: ListRequest): CauseLanguage {
  return preferredLanguage(headers['accept-language'], causeLanguages);
}

export function toFilter(parameters: Parameters): CaseFilter {
  return {
    status: wordsOf(parameters, 'status', statuses),
    cause: wordsOf<string>(parameters, 'cause', causeWords),
    provider: wordsOf(parameters, 'provider'),
    assignee: wordsOf(parameters, 'assignee'),
    reason: wordsOf(parameters, 'reason', reasons),
    unassigned: yesOrNo(parameters, 'unassigned'),
    escalated: yesOrNo(parameters, 'escalated'),
    minAgeS: parameters.integer('min_age_s') ?? null,
    incident: parameters.text('incident') ?? null,
  };
}

function yesOrNo(parameters: Parameters, name: string): boolean | null {
  const word = parameters.oneOf(name, ['true', 'false']);
  return word === undefined ? null : word === 'true';
}
