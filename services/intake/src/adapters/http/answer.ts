import { sources } from '@slipstream/contracts';
import { type ErrorCode, SlipstreamError, unreachable } from '@slipstream/kernel';
import type { SubmitOutcome } from '../../application/submit-requests.ts';
import type { Refusal } from '../../domain/submission/decide-submission.ts';
import type { AcceptedBody } from './submit-slip.dto.ts';

/** The part of an HTTP answer that is written here. */
export interface ReplyHeaders {
  header(name: string, value: string): unknown;
}

/** Says over HTTP what became of a request: headers and body of the 202, or the error that makes the problem. */
export function answer(outcome: SubmitOutcome, reply: ReplyHeaders): AcceptedBody {
  switch (outcome.type) {
    case 'accepted': {
      const { slipId, reference, position, replayed } = outcome;
      reply.header('location', `/v1/slips/${slipId}`);
      reply.header('slip-position', `${sources.intake}:${position.partition}:${position.seq}`);
      reply.header('etag', '"1"');
      if (replayed) reply.header('idempotent-replayed', 'true');
      return { id: slipId, reference, status: 'submitted', submitted_at: position.at };
    }
    case 'refused':
      throw refused(outcome.refusal);
    case 'key_reused':
      throw new SlipstreamError(
        'idempotency_key_reused',
        'This Idempotency-Key came with another body before; use a new key for a new request.',
      );
    case 'reference_taken':
      reply.header('location', `/v1/slips/${outcome.slipId}`);
      throw new SlipstreamError('reference_taken', 'You have a slip with this reference already.', {
        extensions: { slip_id: outcome.slipId },
      });
    case 'in_flight':
      throw new SlipstreamError(
        'idempotency_in_flight',
        'Another request with this Idempotency-Key is in progress; repeat this one with the same key.',
      );
    default:
      return unreachable(outcome);
  }
}

const codes: Partial<Record<Refusal['rule'], ErrorCode>> = {
  route_unknown: 'route_unknown',
  deadline_in_past: 'deadline_in_past',
};

function refused({ rule, field, detail }: Refusal): SlipstreamError {
  return new SlipstreamError(codes[rule] ?? 'validation_failed', detail, {
    errors: [{ pointer: `/${field}`, detail }],
  });
}
