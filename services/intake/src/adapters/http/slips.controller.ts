import { Controller, HttpCode, Inject, Post, Req, Res } from '@nestjs/common';
import { ApiAcceptedResponse, ApiBody, ApiHeader, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { CallerIdentity } from '@slipstream/identity';
import { nameProblem, parseInstant, SlipstreamError } from '@slipstream/kernel';
import {
  callerOf,
  idempotencyKeyOf,
  rejectUnknownQuery,
  Scopes,
  type ServiceRequest,
} from '@slipstream/service-host';
import { submissionDigest } from '../../application/submission-digest.ts';
import type { SubmitOutcome, SubmitRequest } from '../../application/submit-requests.ts';
import type { Submission } from '../../domain/submission/submission.ts';
import { answer, type ReplyHeaders } from './answer.ts';
import { checkBody } from './check-body.ts';
import { AcceptedBody, SubmitSlipBody } from './submit-slip.dto.ts';

/** Injection token of a {@link Submit}. */
export const SUBMIT = Symbol('intake:submit');

/** Answers one request; those that come together share a transaction. */
export type Submit = (request: SubmitRequest) => Promise<SubmitOutcome>;

const text = { schema: { type: 'string' as const } };

@ApiTags('slips')
@Controller('v1/slips')
export class SlipsController {
  constructor(@Inject(SUBMIT) private readonly submit: Submit) {}

  @Post()
  @HttpCode(202)
  @Scopes('slips:write')
  @ApiOperation({
    summary: 'Submit a slip',
    description:
      'The slip is durable when the answer comes. Repeat a request whose answer got lost with the same ' +
      'Idempotency-Key and body: it is carried out once, and the repeat gets the first answer.',
  })
  @ApiHeader({ name: 'Idempotency-Key', required: true, schema: { type: 'string', maxLength: 255 } })
  @ApiBody({ type: SubmitSlipBody })
  @ApiAcceptedResponse({
    type: AcceptedBody,
    description: 'Submitted',
    headers: {
      Location: { ...text, description: "The slip, on the ledger's API" },
      'Slip-Position': { ...text, description: "Opaque: for the ledger's min_position parameter" },
      ETag: { ...text, description: 'The version of the slip' },
      'Idempotent-Replayed': {
        ...text,
        description: '"true" when an earlier, equal request was carried out',
      },
    },
  })
  // All of the request at once: Nest sends each other parameter through the pipes, which check nothing here.
  async create(
    @Req() request: ServiceRequest,
    @Res({ passthrough: true }) reply: ReplyHeaders,
  ): Promise<AcceptedBody> {
    const key = idempotencyKeyOf(request);
    rejectUnknownQuery(request.query, []);
    const submission = toSubmission(checkBody(request.body), callerName(callerOf(request)));
    const digest = submissionDigest(submission);
    const outcome = await this.submit({ key, digest, submission, traceparent: traceparentOf(request) });
    return answer(outcome, reply);
  }
}

function toSubmission(body: SubmitSlipBody, caller: string): Submission {
  const { reference, kind, account, counterparty, amount, route, deadline, metadata } = body;
  return {
    caller,
    reference,
    kind,
    account,
    counterparty,
    amount: amount ? { amount: BigInt(amount.amount), currency: amount.currency } : null,
    route: route ?? 'default',
    deadline: deadline ? parseInstant(deadline) : null,
    metadata: metadata ?? {},
  };
}

function callerName({ subject }: CallerIdentity): string {
  const problem = nameProblem(subject);
  if (problem !== null) throw new SlipstreamError('forbidden', `The token's subject ${problem}.`);
  return subject;
}

/** W3C trace context, so that the slip's events belong to the caller's trace; anything else is ignored. */
function traceparentOf(request: ServiceRequest): string | null {
  const { traceparent } = request.headers;
  return typeof traceparent === 'string' && /^00-[\da-f]{32}-[\da-f]{16}-[\da-f]{2}$/.test(traceparent)
    ? traceparent
    : null;
}
