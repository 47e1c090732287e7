import { Controller, Get, Inject, Param, Query, Req, Res } from '@nestjs/common';
import { ApiOperation, ApiQuery, ApiTags } from '@nestjs/swagger';
import { parseInstant, SlipstreamError } from '@slipstream/kernel';
import {
  answerList,
  type ListReply,
  type ListRequest,
  listParameters,
  Parameters,
  rejectUnknownQuery,
  Scopes,
  toSnakeJson,
} from '@slipstream/service-host';
import type { CaseFilter, CasePosition, Reads } from '../../application/reads.ts';
import { ApiCase, ApiCases, describedCase } from './described.ts';

/** Injection token of {@link Reads}. */
export const READS = Symbol('reconciliation:reads');

const known = ['status', 'cause', 'provider', ...listParameters] as const;

@ApiTags('cases')
@Controller('v1/cases')
@Scopes('cases:read')
export class CasesController {
  constructor(@Inject(READS) private readonly reads: Reads) {}

  @Get()
  @ApiOperation({ summary: 'Cases, the newest first' })
  @ApiQuery({ name: 'status', required: false, enum: ['open', 'closed'] })
  @ApiQuery({ name: 'cause', required: false, description: 'Class or code of a cause' })
  @ApiQuery({ name: 'provider', required: false })
  @ApiCases()
  list(
    @Query() query: Record<string, string>,
    @Req() request: ListRequest,
    @Res({ passthrough: true }) reply: ListReply,
  ) {
    const filter = toFilter(new Parameters(query, known));
    return answerList(request, reply, {
      isKey,
      read: async ({ limit, from }) => {
        const { cases, next, previous } = await this.reads.cases(filter, from && toPosition(from), limit);
        return { items: cases, next: next && keyOf(next), previous: previous && keyOf(previous) };
      },
      show: toSnakeJson,
      item: describedCase,
    });
  }

  @Get(':slip_id')
  @ApiOperation({ summary: 'The case of one slip, with its diagnosis and the events that show it' })
  @ApiCase()
  async one(@Param('slip_id') slipId: string, @Query() query: Record<string, string>) {
    rejectUnknownQuery(query, []);
    // U+0000 cannot be stored, so nothing is found under it.
    const found = slipId.includes('\u0000') ? null : await this.reads.caseOf(slipId);
    if (!found) throw new SlipstreamError('not_found', `Slip ${slipId.slice(0, 100)} has no case.`);
    return toSnakeJson(found);
  }
}

function toFilter(parameters: Parameters): CaseFilter {
  return {
    status: parameters.oneOf('status', ['open', 'closed']) ?? null,
    cause: parameters.text('cause') ?? null,
    provider: parameters.text('provider') ?? null,
  };
}

function isKey([at, slipId, ...rest]: readonly string[]): boolean {
  if (at === undefined || slipId === undefined || rest.length > 0) return false;
  return parseInstant(at) === at && !slipId.includes('\0');
}

function toPosition({ side, key }: { readonly side: string; readonly key: readonly string[] }): CasePosition {
  return { at: key[0]!, slipId: key[1]!, back: side === 'before' };
}

function keyOf({ at, slipId }: CasePosition): readonly string[] {
  return [at, slipId];
}
