import { sources } from '@slipstream/contracts';
import { type ErrorCode, type Instant, keyReused, SlipstreamError, unreachable } from '@slipstream/kernel';
import type { ChangeOutcome } from '../../application/change-slip.ts';
import type { EventPosition } from '../../application/ports.ts';
import type { SubmitOutcome } from '../../application/submit-requests.ts';
import type { Refusal } from '../../domain/submission/refusal.ts';
import type { IntakeStatus } from '../../domain/waiting/waiting-slip.ts';
import { type Language, remedies } from './remedies.ts';
import type { AcceptedBody } from './submit-slip.dto.ts';

/** The part of an HTTP answer that is written here. */
export interface ReplyHeaders {
  header(name: string, value: string): unknown;
}

/** Where a slip can be read, by its id: what `Location` says. */
export type SlipUrl = (slipId: string) => string;

/** Injection token of a {@link SlipUrl}. */
export const SLIP_URL = Symbol('intake:slip-url');

/** How what became of a request is said: in which words, and where its slip can be read. */
export interface Telling {
  readonly language: Language;
  readonly slipUrl: SlipUrl;
}

/** Says over HTTP what became of a request: headers and body of the 202, or the error that makes the problem. */
export function answer(
  outcome: SubmitOutcome,
  reply: ReplyHeaders,
  { language, slipUrl }: Telling,
): AcceptedBody {
  switch (outcome.type) {
    case 'accepted': {
      const { slipId, reference, status, position, firstSlipId } = outcome;
      // One in review has its second event already.
      setHeaders(reply, { ...outcome, version: status === 'in_review' ? 2 : 1 }, slipUrl);
      const submitted_at = status === 'draft' ? null : position.at;
      const repeats = firstSlipId === null ? {} : { duplicate_of: firstSlipId };
      return { id: slipId, reference, status, submitted_at, ...repeats };
    }
    case 'refused':
      reply.header('content-language', language);
      throw refused(outcome.refusal, language);
    case 'key_reused':
      throw keyReused();
    case 'reference_taken':
      reply.header('location', slipUrl(outcome.slipId));
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

/** What a command on a slip made of it, and when. */
export interface ChangedSlip {
  readonly id: string;
  readonly reference: string;
  readonly status: IntakeStatus;
  readonly at: Instant;
}

/** Says over HTTP what became of a command on a slip: headers and what the body says, or the error that makes the problem. */
export function changed(
  outcome: ChangeOutcome,
  reply: ReplyHeaders,
  { language, slipUrl }: Telling,
): ChangedSlip {
  switch (outcome.type) {
    case 'changed': {
      const { slipId, reference, status, position } = outcome;
      setHeaders(reply, outcome, slipUrl);
      return { id: slipId, reference, status, at: position.at };
    }
    case 'refused':
      reply.header('content-language', language);
      throw refused(outcome.refusal, language);
    case 'too_late':
      throw outcome.status === 'submitted'
        ? new SlipstreamError('already_submitted', 'The slip was submitted; it is final now.')
        : new SlipstreamError('conflict', `It is ${outcome.status} already.`);
    case 'same_person':
      throw new SlipstreamError('same_person', outcome.detail);
    case 'claimed':
      throw new SlipstreamError('conflict', 'You claimed it already.');
    case 'not_claimed':
      throw new SlipstreamError('conflict', 'You have not claimed it.');
    case 'not_found':
      throw new SlipstreamError('not_found', 'There is no such slip for you.');
    case 'key_reused':
      throw keyReused();
    case 'other_version':
      throw new SlipstreamError('version_mismatch', `The slip is at version "${outcome.version}".`);
    default:
      return unreachable(outcome);
  }
}

interface Told {
  readonly slipId: string;
  readonly version: number;
  readonly position: EventPosition;
  readonly replayed: boolean;
}

function setHeaders(
  reply: ReplyHeaders,
  { slipId, version, position, replayed }: Told,
  slipUrl: SlipUrl,
): void {
  reply.header('location', slipUrl(slipId));
  reply.header('slip-position', `${sources.intake}:${position.partition}:${position.seq}`);
  reply.header('etag', `"${version}"`);
  if (replayed) reply.header('idempotent-replayed', 'true');
}

const codes: Partial<Record<Refusal['rule'], ErrorCode>> = {
  route_unknown: 'route_unknown',
  deadline_in_past: 'deadline_in_past',
  account_unknown: 'account_not_active',
  account_frozen: 'account_not_active',
  account_closed: 'account_not_active',
  counterparty_frozen: 'account_not_active',
  counterparty_closed: 'account_not_active',
  wait_too_long: 'overloaded',
  throttled: 'overloaded',
  business_duplicate: 'business_duplicate',
  limit_exceeded: 'limit_exceeded',
};

/** The problem names the rule, what helps, and the slip that is in the way. */
function refused(
  { rule, field, detail, ruleName, firstSlipId, retryAfterS }: Refusal,
  language: Language,
): SlipstreamError {
  return new SlipstreamError(codes[rule] ?? 'validation_failed', detail, {
    errors: [{ pointer: `/${field}`, detail }],
    ...(retryAfterS === undefined ? {} : { retryAfterS }),
    extensions: {
      ...{ rule, remedy: remedies[rule][language] },
      ...(ruleName ? { rule_name: ruleName } : {}),
      ...(firstSlipId ? { slip_id: firstSlipId } : {}),
    },
  });
}
