import { Controller, Get, Inject, Param, Query, Req, Res } from '@nestjs/common';
import { ApiOperation, ApiQuery, ApiTags } from '@nestjs/swagger';
import { isUuid, parseInstant, SlipstreamError } from '@slipstream/kernel';
import { type JsonValue, type Page, Scopes, toSnakeJson, unusable } from '@slipstream/service-host';
import { wallClock } from '@slipstream/slip';
import type { LedgerQueries } from '../../application/queries.ts';
import { ApiPage } from './api-page.ts';
import { ApiAccount, ApiTransactions } from './described.ts';
import { Parameters, type Query as QueryOf, type Reply, type Request, toPage } from './parameters.ts';
import { transactionJson } from './shapes.ts';
import { QUERIES } from './tokens.ts';

@ApiTags('accounts')
@Scopes('slips:read')
@Controller('v1')
export class AccountsController {
  constructor(@Inject(QUERIES) private readonly queries: LedgerQueries) {}

  @Get('accounts/:id')
  @ApiOperation({ summary: 'Balances of an account per currency, in minor units' })
  @ApiQuery({ name: 'clock', required: false, description: 'default: wall' })
  @ApiAccount()
  async account(@Param('id') id: string, @Query() query: QueryOf): Promise<JsonValue> {
    const clock = new Parameters(query, ['clock']).text('clock') ?? wallClock;
    const balances = id.includes('\0') ? [] : await this.queries.account(id, clock);
    if (balances.length > 0) return toSnakeJson({ id, clock, balances });
    throw new SlipstreamError('not_found', `No slip has used the account ${JSON.stringify(id)}.`);
  }

  @Get('transactions')
  @ApiOperation({ summary: 'Transactions of a slip or an account, latest first' })
  @ApiQuery({ name: 'slip', required: false })
  @ApiQuery({
    name: 'account',
    required: false,
    description: 'an account as slips name it, or a full name as postings show it',
  })
  @ApiQuery({ name: 'clock', required: false, description: 'of the account; default: wall' })
  @ApiPage()
  @ApiTransactions()
  async transactions(
    @Query() query: QueryOf,
    @Req() request: Request,
    @Res({ passthrough: true }) reply: Reply,
  ): Promise<Page<JsonValue>> {
    const parameters = new Parameters(query, ['slip', 'account', 'clock', 'cursor', 'page_size']);
    const slip = parameters.text('slip');
    const id = parameters.text('account');
    const clock = parameters.text('clock') ?? wallClock;
    if (slip === undefined && id === undefined) throw unusable('slip', 'give slip or account');
    const isKey = ([at, key, ...rest]: readonly string[]) =>
      at !== undefined && parseInstant(at) === at && key !== undefined && isUuid(key) && rest.length === 0;
    const page = await this.queries.transactions(
      { slip, account: id === undefined ? undefined : { id, clock } },
      parameters.page(isKey),
    );
    return toPage(page, transactionJson, request, reply);
  }
}
