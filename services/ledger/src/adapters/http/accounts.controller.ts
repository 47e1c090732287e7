import { Controller, Get, Inject, Param, Query, Req, Res } from '@nestjs/common';
import { ApiOperation, ApiQuery, ApiTags } from '@nestjs/swagger';
import { isUuid, parseInstant, SlipstreamError } from '@slipstream/kernel';
import { type JsonValue, type Page, Scopes, toSnakeJson } from '@slipstream/service-host';
import { wallClock } from '@slipstream/slip';
import type { LedgerQueries } from '../../application/queries.ts';
import { payerAvailable, payerHeld } from '../../domain/posting/chart.ts';
import { ApiPage } from './api-page.ts';
import { Parameters, type Query as QueryOf, type Reply, type Request, toPage, wrong } from './parameters.ts';
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
  @ApiPage()
  async transactions(
    @Query() query: QueryOf,
    @Req() request: Request,
    @Res({ passthrough: true }) reply: Reply,
  ): Promise<Page<JsonValue>> {
    const parameters = new Parameters(query, ['slip', 'account', 'cursor', 'page_size']);
    const slip = parameters.text('slip');
    const account = parameters.text('account');
    if (slip === undefined && account === undefined) throw wrong('slip', 'give slip or account');
    const isKey = ([at, id, ...rest]: readonly string[]) =>
      at !== undefined && parseInstant(at) === at && id !== undefined && isUuid(id) && rest.length === 0;
    const page = await this.queries.transactions(
      { slip, accounts: account === undefined ? undefined : accountNames(account) },
      parameters.page(isKey),
    );
    return toPage(page, transactionJson, request, reply);
  }
}

function accountNames(account: string): string[] {
  return /^(payer|provider):.+:[a-z]+$/.test(account)
    ? [account]
    : [payerAvailable(account), payerHeld(account)];
}
