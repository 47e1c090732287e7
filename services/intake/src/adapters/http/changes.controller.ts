import { Controller, HttpCode, Inject, Param, Post, Req, Res } from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiBody,
  ApiHeader,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import { Scopes, type ServiceRequest } from '@slipstream/service-host';
import type { UseCases } from '../../application/use-cases.ts';
import { type ChangedSlip, changed, type ReplyHeaders, SLIP_URL, type SlipUrl } from './answer.ts';
import { changeRequestOf, keyHeader, versionHeader } from './change-request.ts';
import { ChangedBody, WithdrawBody } from './change-slip.dto.ts';
import { readWords, wordChecks } from './read-words.ts';
import { languageOf } from './request.ts';
import { AcceptedBody } from './submit-slip.dto.ts';

/** Injection token of what the routes of slips that wait ask for. */
export const CHANGES = Symbol('intake:changes');

export type Changes = Pick<UseCases, 'changeSlip'>;

/** What a caller may still do with a slip that waits. */
@ApiTags('slips')
@Controller('v1/slips')
@Scopes('slips:write')
export class ChangesController {
  constructor(
    @Inject(CHANGES) private readonly does: Changes,
    @Inject(SLIP_URL) private readonly slipUrl: SlipUrl,
  ) {}

  @Post(':id/confirm')
  @HttpCode(202)
  @ApiOperation({
    summary: 'Submit a draft',
    description: 'It is judged anew, by the rules and the time of now. Afterwards it is final.',
  })
  @ApiHeader(keyHeader)
  @ApiHeader(versionHeader)
  @ApiAcceptedResponse({ type: AcceptedBody, description: 'Submitted' })
  async confirmDraft(
    @Param('id') id: string,
    @Req() request: ServiceRequest,
    @Res({ passthrough: true }) reply: ReplyHeaders,
  ): Promise<AcceptedBody> {
    const asked = changeRequestOf(id, request, () => {
      readWords(request.body, wordChecks.confirm);
      return { type: 'confirm' };
    });
    const { at, ...slip } = await this.#change(asked, request, reply);
    return { ...slip, submitted_at: at };
  }

  @Post(':id/withdraw')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Take a slip back that is a draft or in review',
    description: 'Afterwards nothing is left to be done about it. What was submitted is final: 409.',
  })
  @ApiHeader(keyHeader)
  @ApiHeader(versionHeader)
  @ApiBody({ type: WithdrawBody, required: false })
  @ApiOkResponse({ type: ChangedBody, description: 'Withdrawn' })
  async withdrawSlip(
    @Param('id') id: string,
    @Req() request: ServiceRequest,
    @Res({ passthrough: true }) reply: ReplyHeaders,
  ): Promise<ChangedBody> {
    const asked = changeRequestOf(id, request, (by) => {
      const { reason = '' } = readWords<WithdrawBody>(request.body, wordChecks.withdraw);
      return { type: 'withdraw', by, reason };
    });
    const { at, ...slip } = await this.#change(asked, request, reply);
    return { ...slip, changed_at: at };
  }

  async #change(
    asked: Parameters<Changes['changeSlip']>[0],
    request: ServiceRequest,
    reply: ReplyHeaders,
  ): Promise<ChangedSlip> {
    const outcome = await this.does.changeSlip(asked);
    return changed(outcome, reply, { language: languageOf(request), slipUrl: this.slipUrl });
  }
}
