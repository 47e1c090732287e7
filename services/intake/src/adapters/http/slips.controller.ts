import { Controller, Inject, Post, Req, Res } from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiBody,
  ApiHeader,
  ApiOkResponse,
  ApiOperation,
  ApiQuery,
  ApiTags,
} from '@nestjs/swagger';
import { must } from '@slipstream/kernel';
import { callerOf, idempotencyKeyOf, Scopes, type ServiceRequest } from '@slipstream/service-host';
import type { SubmitOutcome, SubmitRequest } from '../../application/submit-requests.ts';
import type { UseCases } from '../../application/use-cases.ts';
import { answer, type ReplyHeaders, SLIP_URL, type SlipUrl } from './answer.ts';
import { PREVIEW, PreviewBody, previewBody } from './preview.ts';
import { callerName, dryRunOf, languageOf, traceparentOf } from './request.ts';
import { AcceptedBody, SubmitSlipBody } from './submit-slip.dto.ts';
import { readSubmission } from './to-submission.ts';

/** Injection token of a {@link Submit}. */
export const SUBMIT = Symbol('intake:submit');

/** Answers one request; those that come together share a transaction. */
export type Submit = (request: SubmitRequest) => Promise<SubmitOutcome>;

interface Reply extends ReplyHeaders {
  code(status: number): unknown;
}

const text = { schema: { type: 'string' as const } };

@ApiTags('slips')
@Controller('v1/slips')
export class SlipsController {
  constructor(
    @Inject(SUBMIT) private readonly submit: Submit,
    @Inject(PREVIEW) private readonly does: Pick<UseCases, 'previewSubmissions'>,
    @Inject(SLIP_URL) private readonly slipUrl: SlipUrl,
  ) {}

  @Post()
  @Scopes('slips:write')
  @ApiOperation({
    summary: 'Submit a slip',
    description:
      'The slip is durable when the answer comes. Repeat a request whose answer got lost with the same ' +
      'Idempotency-Key and body: it is carried out once, and the repeat gets the first answer.',
  })
  @ApiHeader({ name: 'Idempotency-Key', required: true, schema: { type: 'string', maxLength: 255 } })
  @ApiQuery({
    ...{ name: 'dry_run', required: false, enum: ['true', 'false'] },
    description: 'Says what would happen, and writes nothing; needs no Idempotency-Key',
  })
  @ApiBody({ type: SubmitSlipBody })
  @ApiOkResponse({ type: PreviewBody, description: 'With dry_run: what would happen' })
  @ApiAcceptedResponse({
    type: AcceptedBody,
    description: 'Submitted, or kept as a draft',
    headers: {
      Location: {
        ...text,
        description:
          "The slip, on the ledger's API, which has it once it has read the event at `Slip-Position`",
      },
      'Slip-Position': { ...text, description: "Opaque: for the ledger's min_position parameter" },
      ETag: { ...text, description: 'The version of the slip' },
      'Idempotent-Replayed': {
        ...text,
        description: '"true" when an earlier, equal request was carried out',
      },
    },
  })
  // All of the request at once: Nest sends each other parameter through the pipes, which check nothing here.
  async submitSlip(
    @Req() request: ServiceRequest,
    @Res({ passthrough: true }) reply: Reply,
  ): Promise<AcceptedBody | PreviewBody> {
    if (dryRunOf(request)) return this.#preview(request, reply);
    const key = idempotencyKeyOf(request);
    const read = readSubmission(request.body, callerName(callerOf(request)));
    const outcome = await this.submit({ ...read, key, traceparent: traceparentOf(request) });
    reply.code(202);
    return answer(outcome, reply, { language: languageOf(request), slipUrl: this.slipUrl });
  }

  async #preview(request: ServiceRequest, reply: Reply): Promise<PreviewBody> {
    const caller = callerName(callerOf(request));
    const read = readSubmission(request.body, caller);
    const [preview] = await this.does.previewSubmissions(caller, [read]);
    reply.code(200);
    return previewBody(must(preview, 'a submission is judged'));
  }
}
