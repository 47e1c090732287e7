import { Controller, HttpCode, Inject, Post, Req } from '@nestjs/common';
import { ApiBody, ApiHeader, ApiOkResponse, ApiOperation, ApiQuery, ApiTags } from '@nestjs/swagger';
import {
  callerOf,
  checkObject,
  idempotencyKeyOf,
  type Problem,
  renderProblemBody,
  Scopes,
  type ServiceRequest,
  toProblem,
} from '@slipstream/service-host';
import type { SubmitRequest } from '../../application/submit-requests.ts';
import type { UseCases } from '../../application/use-cases.ts';
import { answer, SLIP_URL, type SlipUrl } from './answer.ts';
import { BatchAnswerBody, BatchBody, slipsMax } from './batch.dto.ts';
import { keyHeader } from './change-request.ts';
import { PREVIEW, previewBody } from './preview.ts';
import { callerName, dryRunOf, languageOf, traceparentOf } from './request.ts';
import { SUBMIT, type Submit } from './slips.controller.ts';
import { type ReadSubmission, readSubmission } from './to-submission.ts';

/** Many slips in one request. */
@ApiTags('slips')
@Controller('v1')
@Scopes('slips:write')
export class BatchController {
  constructor(
    @Inject(SUBMIT) private readonly submit: Submit,
    @Inject(PREVIEW) private readonly does: Pick<UseCases, 'previewSubmissions'>,
    @Inject(SLIP_URL) private readonly slipUrl: SlipUrl,
  ) {}

  @Post('slips::batch')
  @HttpCode(200)
  @ApiOperation({
    summary: `Submit up to ${slipsMax} slips, each for itself`,
    description:
      'Each slip gets the answer that it would get alone, in the order of the request. Repeat a request of which ' +
      'answers got lost, or failed for now, with the same Idempotency-Key and slips: each is carried out once.',
  })
  @ApiHeader(keyHeader)
  @ApiQuery({ name: 'dry_run', required: false, enum: ['true', 'false'], description: 'Writes nothing' })
  @ApiBody({ type: BatchBody })
  @ApiOkResponse({ type: BatchAnswerBody })
  async submitSlips(@Req() request: ServiceRequest): Promise<BatchAnswerBody> {
    const isDryRun = dryRunOf(request);
    const key = isDryRun ? '' : idempotencyKeyOf(request);
    const caller = callerName(callerOf(request));
    const traceparent = traceparentOf(request);
    const read = slipsOf(request.body).map((body) => attempt(() => readSubmission(body, caller)));
    if (isDryRun) return { data: await this.#preview(caller, read, request.id) };
    const results = read.map((one, index) => {
      if ('problem' in one) return problemResult(one.problem, request.id);
      // No key of a request has a space in it.
      return this.#submitOne({ ...one.value, key: `${key} ${index}`, traceparent }, request);
    });
    return { data: await Promise.all(results) };
  }

  async #submitOne(wish: SubmitRequest, request: ServiceRequest): Promise<object> {
    try {
      const headers = new Map<string, string>();
      const reply = { header: (name: string, value: string) => headers.set(name, value) };
      const telling = { language: languageOf(request), slipUrl: this.slipUrl };
      const slip = answer(await this.submit(wish), reply, telling);
      const replayed = headers.has('idempotent-replayed');
      return { status: 202, slip: { ...slip, slip_position: headers.get('slip-position'), replayed } };
    } catch (error) {
      return problemResult(toProblem(error), request.id);
    }
  }

  async #preview(
    caller: string,
    read: readonly Attempt<ReadSubmission>[],
    requestId: string,
  ): Promise<object[]> {
    const sound = read.flatMap((one) => ('problem' in one ? [] : one.value));
    const previews = [...(await this.does.previewSubmissions(caller, sound))];
    return read.map((one) =>
      'problem' in one
        ? problemResult(one.problem, requestId)
        : { status: 200, preview: previewBody(previews.shift()!) },
    );
  }
}

type Attempt<T> = { readonly value: T } | { readonly problem: Problem };

function attempt<T>(work: () => T): Attempt<T> {
  try {
    return { value: work() };
  } catch (error) {
    return { problem: toProblem(error) };
  }
}

function problemResult(problem: Problem, requestId: string): object {
  return { status: problem.status, problem: renderProblemBody(problem, requestId) };
}

/** @throws SlipstreamError for a body that is no list of slips; what is wrong with one of them is told with it */
function slipsOf(body: unknown): readonly unknown[] {
  return checkObject<{ readonly slips: readonly unknown[] }>(body, { slips: slipsProblem }).slips;
}

function slipsProblem(value: unknown): string | null {
  const fits = Array.isArray(value) && value.length >= 1 && value.length <= slipsMax;
  return fits ? null : `must be a list of 1 to ${slipsMax} slips`;
}
