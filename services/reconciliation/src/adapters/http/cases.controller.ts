import { Controller, Get, Inject, Param, Query, Req, Res } from '@nestjs/common';
import { ApiQuery } from '@nestjs/swagger';
import { parseInstant, SlipstreamError } from '@slipstream/kernel';
import {
  encodeCursor,
  linkHeader,
  Parameters,
  rejectUnknownQuery,
  Scopes,
  toSnakeJson,
} from '@slipstream/service-host';
import type { CaseFilter, CasePosition, Reads } from '../../application/reads.ts';
import { ApiCase, ApiCases } from './described.ts';

/** Injection token of {@link Reads}. */
export const READS = Symbol('reconciliation:reads');

const known = ['status', 'cause', 'provider', 'cursor', 'page_size'] as const;

interface Reply {
  header(name: string, value: string): unknown;
}

@Controller('v1/cases')
@Scopes('cases:read')
export class CasesController {
  constructor(@Inject(READS) private readonly reads: Reads) {}

  /** Cases, the newest first. `cause` is a cause's class or code. */
  @Get()
  @ApiQuery({ name: 'status', required: false, enum: ['open', 'closed'] })
  @ApiQuery({ name: 'cause', required: false })
  @ApiQuery({ name: 'provider', required: false })
  @ApiQuery({ name: 'cursor', required: false })
  @ApiQuery({ name: 'page_size', required: false, type: Number })
  @ApiCases()
  async list(
    @Query() query: Record<string, string>,
    @Req() request: { readonly url: string },
    @Res({ passthrough: true }) reply: Reply,
  ) {
    const parameters = new Parameters(query, known);
    const pageSize = parameters.pageSize();
    const from = parameters.cursor(isPosition);
    const { cases, ...ends } = await this.reads.cases(
      toFilter(parameters),
      from && toPosition(from),
      pageSize,
    );
    const page = { next: toCursor(ends.next), previous: toCursor(ends.previous) };
    const link = linkHeader(request.url, page);
    if (link !== null) reply.header('link', link);
    return { data: toSnakeJson(cases), ...page };
  }

  /** The case of one slip, with its diagnosis. */
  @Get(':slip_id')
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

type CursorContent = [string, string, number];

function isPosition(value: unknown): value is CursorContent {
  if (!Array.isArray(value) || value.length !== 3) return false;
  const [at, slipId, back] = value;
  return (
    typeof at === 'string' &&
    parseInstant(at) === at &&
    typeof slipId === 'string' &&
    !slipId.includes('\0') &&
    typeof back === 'number'
  );
}

function toPosition([at, slipId, back]: CursorContent): CasePosition {
  return { at, slipId, back: back === 1 };
}

function toCursor(position: CasePosition | null): string | null {
  return position && encodeCursor([position.at, position.slipId, position.back ? 1 : 0]);
}
