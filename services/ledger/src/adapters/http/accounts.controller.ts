import { Controller, Get, Inject, Param, Query, Req, Res } from '@nestjs/common';
import { ApiOperation, ApiQuery, ApiTags } from '@nestjs/swagger';
import type { CallerIdentity } from '@slipstream/identity';
import { isUuid, SlipstreamError } from '@slipstream/kernel';
import {
  ApiList,
  answerList,
  Caller,
  isPlaceOf,
  type JsonValue,
  type ListReply,
  type ListRequest,
  listParameters,
  Scopes,
  toSnakeJson,
  unusable,
} from '@slipstream/service-host';
import { wallClock } from '@slipstream/slip';
import type { LedgerQueries } from '../../application/queries.ts';
import { accountKinds } from '../../domain/posting/chart.ts';
import { ApiAccount, describedListedAccount, describedTransaction } from './described.ts';
import { Parameters, type Query as QueryOf } from './parameters.ts';
import { transactionJson } from './shapes.ts';
import { QUERIES } from './tokens.ts';
import { isVisible, ownerFor } from './visible.ts';

@ApiTags('accounts')
@Scopes('slips:read')
@Controller('v1')
export class AccountsController {
  constructor(@Inject(QUERIES) private readonly queries: LedgerQueries) {}

  @Get('accounts')
  @Scopes('slips:read:all')
  @ApiOperation({ summary: 'The accounts that postings name, with their balances, by owner' })
  @ApiQuery({ name: 'owner', required: false, description: 'a customer, merchant or provider' })
  @ApiQuery({ name: 'kind', required: false, enum: accountKinds })
  @ApiQuery({ name: 'currency', required: false })
  @ApiQuery({ name: 'clock', required: false, description: 'default: wall' })
  @ApiList(describedListedAccount, 'A page of accounts')
  async listAccounts(
    @Query() query: QueryOf,
    @Req() request: ListRequest,
    @Res({ passthrough: true }) reply: ListReply,
  ) {
    const parameters = new Parameters(query, ['owner', 'kind', 'currency', 'clock', ...listParameters]);
    const filter = {
      clock: parameters.text('clock') ?? wallClock,
      owner: parameters.text('owner'),
      kind: parameters.oneOf('kind', accountKinds),
      currency: parameters.currency('currency'),
    };
    return answerList(request, reply, {
      isKey: (key) => key.length === 4,
      read: (page) => this.queries.accounts(filter, page),
      show: (one) => toSnakeJson({ ...one }),
      item: describedListedAccount,
    });
  }

  @Get('accounts/:id')
  @Scopes('slips:read:all')
  @ApiOperation({ summary: 'Balances of an account per currency, in minor units' })
  @ApiQuery({ name: 'clock', required: false, description: 'default: wall' })
  @ApiQuery({
    name: 'at',
    required: false,
    description: 'RFC 3339: what had been entered by then; 400 where too much was since',
  })
  @ApiAccount()
  async getAccount(@Param('id') id: string, @Query() query: QueryOf): Promise<JsonValue> {
    const parameters = new Parameters(query, ['clock', 'at']);
    const clock = parameters.text('clock') ?? wallClock;
    const at = parameters.instant('at');
    const balances = id.includes('\0') ? [] : await this.queries.account(id, clock, at);
    if (balances.length > 0) return toSnakeJson({ id, clock, balances });
    const then = at === undefined ? '' : ' by then';
    throw new SlipstreamError(
      'not_found',
      `Nothing was booked on the account ${JSON.stringify(id)}${then}. What the books hold under names of their own, for providers too, is listed by GET /v1/accounts.`,
    );
  }

  @Get('transactions')
  @ApiOperation({
    summary: 'Transactions of a slip or an account, latest first; or all',
    description: 'All of them come by the ids of their slips, and of a slip the last one first.',
  })
  @ApiQuery({ name: 'slip', required: false })
  @ApiQuery({
    name: 'account',
    required: false,
    description: 'an account as slips name it, or a full name as postings show it',
  })
  @ApiQuery({ name: 'clock', required: false, description: 'of the account; default: wall' })
  @ApiList(describedTransaction, 'A page of transactions')
  async listTransactions(
    @Query() query: QueryOf,
    @Caller() caller: CallerIdentity,
    @Req() request: ListRequest,
    @Res({ passthrough: true }) reply: ListReply,
  ) {
    const parameters = new Parameters(query, ['slip', 'account', 'clock', ...listParameters]);
    const slip = parameters.text('slip');
    const id = parameters.text('account');
    const clock = parameters.text('clock') ?? wallClock;
    const isOfAll = slip === undefined && id === undefined;
    if (id === undefined && parameters.text('clock') !== undefined)
      throw unusable('clock', 'is that of an account: give account');
    await this.#refuseOthers(slip, caller);
    return answerList(request, reply, {
      isKey: isOfAll ? isPlaceOfSlip : isPlaceOf(isUuid),
      read: (page) =>
        this.queries.transactions({ slip, account: id === undefined ? undefined : { id, clock } }, page),
      show: transactionJson,
      item: describedTransaction,
    });
  }

  /** Who sees only slips of their own sees the money of those, and of no account. */
  async #refuseOthers(slip: string | undefined, caller: CallerIdentity): Promise<void> {
    if (ownerFor(caller) === null) return;
    if (slip === undefined)
      throw new SlipstreamError(
        'forbidden',
        'Transactions beyond those of a slip need the scope slips:read:all; give slip.',
      );
    const view = await this.queries.slip(slip);
    if (view === null || !isVisible(view, caller))
      throw new SlipstreamError('not_found', `There is no slip ${JSON.stringify(slip)}.`);
  }
}

/** The id of a slip, and the number of one of its transactions. */
const isPlaceOfSlip = ([slip, n, ...rest]: readonly string[]): boolean =>
  slip !== undefined && n !== undefined && /^\d{1,5}$/.test(n) && rest.length === 0;
