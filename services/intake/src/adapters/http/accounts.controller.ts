import { Controller, Get, Inject, Param, Put, Query, Req } from '@nestjs/common';
import { ApiBody, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { SlipstreamError } from '@slipstream/kernel';
import {
  callerOf,
  type JsonValue,
  rejectUnknownQuery,
  Scopes,
  type ServiceRequest,
  schemas,
  toSnakeJson,
} from '@slipstream/service-host';
import { accountProblem } from '@slipstream/slip';
import type { UseCases } from '../../application/use-cases.ts';
import { accountStatuses } from '../../domain/account/standing.ts';
import { AccountStatusBody, checkStatusBody } from './account-status.dto.ts';
import { traceparentOf } from './request.ts';

/** Injection token of an {@link Accounts}. */
export const ACCOUNTS = Symbol('intake:accounts');

const { object, oneOf, text, time } = schemas;
const ApiStanding = () =>
  ApiOkResponse({
    description: 'What was said last',
    schema: object({
      ...{ account: text, status: oneOf(...accountStatuses), reason: text, actor: text, changed_at: time },
    }) as object,
  });

type Accounts = Pick<UseCases, 'changeAccountStatus' | 'showAccountStatus'>;

@ApiTags('accounts')
@Controller('v1/accounts/:id/status')
export class AccountsController {
  constructor(@Inject(ACCOUNTS) private readonly accounts: Accounts) {}

  @Put()
  @Scopes('accounts:write')
  @ApiBody({ type: AccountStatusBody })
  @ApiOperation({
    summary: 'Freezes, closes or opens an account',
    description:
      'Slips that are submitted after the answer are refused while the account, or the counterparty, is not active. Those ' +
      'that were accepted before go on. A status that the account has already changes nothing.',
  })
  @ApiStanding()
  async setAccountStatus(
    @Param('id') id: string,
    @Query() query: Record<string, unknown>,
    @Req() request: ServiceRequest & { readonly id: string },
  ): Promise<JsonValue> {
    rejectUnknownQuery(query, []);
    requireAccount(id);
    const { status, reason } = checkStatusBody(request.body);
    const actor = callerOf(request).subject;
    const change = { account: id, status, reason, actor, requestId: request.id };
    return toSnakeJson(await this.accounts.changeAccountStatus(change, traceparentOf(request)));
  }

  @Get()
  @Scopes('slips:read')
  @ApiOperation({ summary: 'What was said last about an account: its status, who, when and why' })
  @ApiStanding()
  async getAccountStatus(
    @Param('id') id: string,
    @Query() query: Record<string, unknown>,
  ): Promise<JsonValue> {
    rejectUnknownQuery(query, []);
    requireAccount(id);
    const standing = await this.accounts.showAccountStatus(id);
    if (standing) return toSnakeJson(standing);
    throw new SlipstreamError('not_found', 'Nobody has said anything about this account.');
  }
}

function requireAccount(id: string): void {
  const problem = accountProblem(id);
  if (problem === null) return;
  throw new SlipstreamError('validation_failed', 'The account has no name that an account may have.', {
    errors: [{ pointer: 'id', detail: problem }],
  });
}
