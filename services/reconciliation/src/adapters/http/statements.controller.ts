import { createHash } from 'node:crypto';
import { Controller, Get, HttpCode, Inject, Param, Post, Query, Req, Res } from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiBody,
  ApiConsumes,
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
  Caller,
  idempotencyKeyOf,
  isPlaceOf,
  type ListReply,
  type ListRequest,
  listParameters,
  Parameters,
  RawBody,
  rejectUnknownQuery,
  Scopes,
  type ServiceRequest,
  schemas,
  toSnakeJson,
} from '@slipstream/service-host';
import type { StatementFile, StatementSource, StatementViews } from '../../application/statements/ports.ts';
import { StatementRefused } from '../../domain/statement/statement.ts';
import { keyed, toPlace } from './places.ts';

/** Injection token of {@link StatementDesk}. */
export const STATEMENTS = Symbol('reconciliation:statements');

export interface StatementDesk {
  readonly sources: ReadonlyMap<string, StatementSource>;
  readonly views: StatementViews;
  accept(file: StatementFile): Promise<{ readonly id: string; readonly isNew: boolean }>;
}

/** Of one file; longer ones are split by their provider. */
export const statementBytesMax = 32 * 1024 * 1024;
export const statementTypes = [
  'text/csv',
  'application/x-ndjson',
  'application/xml',
  'text/xml',
  'text/plain',
  'application/octet-stream',
] as const;

const { list, minorUnits, object, oneOf, optional, text, time, whole } = schemas;

const statement = object({
  ...{
    id: text,
    source: text,
    provider: text,
    format: text,
    digest: text,
    status: oneOf('accepted', 'matched'),
  },
  ...{
    lines: whole,
    booked_from: optional(text),
    booked_to: optional(text),
    accepted_at: time,
    accepted_by: text,
  },
  ...{
    matched_at: optional(time),
    problem: optional(text),
    breaks: object({ open: whole, resolved: whole }),
  },
});
const bridge = object({
  data: list(
    object({
      ...{ account: text, name: text, currency: text, stated_closing: optional(minorUnits) },
      days: list(
        object({
          ...{
            day: text,
            opening: minorUnits,
            movements: minorUnits,
            fees: minorUnits,
            transfers: minorUnits,
          },
          ...{ conversions: minorUnits, closing: minorUnits },
          breaks: list(object({ type: text, count: whole, amount: minorUnits })),
        }),
      ),
    }),
  ),
});

@ApiTags('statements')
@Controller('v1/statements')
@Scopes('statements:read')
export class StatementsController {
  constructor(@Inject(STATEMENTS) private readonly desk: StatementDesk) {}

  @Post()
  @HttpCode(202)
  @Scopes('statements:write')
  @ApiOperation({
    summary:
      'Takes a statement file: it is added up at once, and kept whole or not at all; its lines are matched next',
    description:
      'The source says format, encoding and mapping (`statements.<name>` of the rules). The same file again, or the same key with it, is ' +
      'the statement that it was (200).',
  })
  @ApiHeader({ name: 'Idempotency-Key', required: true, schema: { type: 'string', maxLength: 255 } })
  @ApiQuery({
    name: 'source',
    required: true,
    description: 'A source of the rules, such as `acme-settlements`',
  })
  @ApiConsumes(...statementTypes)
  @ApiBody({
    schema: { type: 'string', format: 'binary' },
    description: `At most ${statementBytesMax} bytes`,
  })
  @ApiAcceptedResponse({ description: 'It adds up, and is kept', schema: statement as object })
  async sendStatement(
    @Query() query: Record<string, string>,
    @RawBody() body: Buffer,
    @Req() request: ServiceRequest,
    @Caller() caller: { readonly subject: string },
    @Res({ passthrough: true }) reply: {
      header(name: string, value: string): void;
      status(code: number): void;
    },
  ) {
    const key = idempotencyKeyOf(request);
    const name = new Parameters(query, ['source']).text('source');
    const source = name === undefined ? undefined : this.desk.sources.get(name);
    if (source === undefined) throw new SlipstreamError('malformed_request', this.#noSource(name));
    const digest = createHash('sha256').update(body).digest('hex');
    const file = { source, body, digest, key, caller: caller.subject, requestId: request.id };
    const { id, isNew } = await this.desk.accept(file).catch((error: unknown) => {
      throw error instanceof StatementRefused ? refusal(error) : error;
    });
    if (!isNew) reply.status(200);
    reply.header('location', `/v1/statements/${id}`);
    return toSnakeJson((await this.desk.views.statement(id))!);
  }

  @Get()
  @ApiOperation({ summary: 'Statements, the newest first' })
  @ApiList(statement, 'Statements')
  listStatements(
    @Query() query: Record<string, string>,
    @Req() request: ListRequest,
    @Res({ passthrough: true }) reply: ListReply,
  ) {
    rejectUnknownQuery(query, listParameters);
    return answerList(request, reply, {
      isKey: isPlaceOf(isUuid),
      read: async ({ limit, from }) => keyed(await this.desk.views.statements(from && toPlace(from), limit)),
      show: toSnakeJson,
      item: statement,
    });
  }

  @Get(':id')
  @ApiOperation({ summary: 'One statement, and how far it is' })
  @ApiOkResponse({ description: 'The statement', schema: statement as object })
  async getStatement(@Param('id') id: string, @Query() query: Record<string, string>) {
    rejectUnknownQuery(query, []);
    return toSnakeJson(await this.#find(id));
  }

  @Get(':id/bridge')
  @ApiOperation({
    summary:
      'From opening to closing balance, by account, currency and day: opening + movements of slips + fees + transfers + conversions + ' +
      'named breaks = closing, to the minor unit',
  })
  @ApiOkResponse({ description: 'The bridge', schema: bridge as object })
  async getStatementBridge(@Param('id') id: string, @Query() query: Record<string, string>) {
    rejectUnknownQuery(query, []);
    const found = await this.#find(id);
    if (found.status !== 'matched')
      throw new SlipstreamError('conflict', 'The statement is not matched yet.');
    return toSnakeJson({ data: await this.desk.views.bridge(id) });
  }

  async #find(id: string) {
    const found = isUuid(id) ? await this.desk.views.statement(id.toLowerCase()) : null;
    if (!found) throw new SlipstreamError('not_found', 'There is no such statement.');
    return found;
  }

  #noSource(name: string | undefined): string {
    const known = [...this.desk.sources.keys()].join(', ') || 'none is configured';
    return `source must name a source of the rules (${known})${name === undefined ? '' : `, and not ${name}`}.`;
  }
}

function refusal({ line, why }: StatementRefused): SlipstreamError {
  return new SlipstreamError('statement_refused', `Line ${line}: ${why}.`, {
    errors: [{ pointer: `line ${line}`, detail: why }],
  });
}
