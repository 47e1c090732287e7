import { ApiProperty } from '@nestjs/swagger';
import { checkObject, type FieldChecks } from '@slipstream/service-host';
import type { AccountStatus } from '@slipstream/slip';
import { accountStatuses } from '../../domain/account/standing.ts';

const reasonLengthMax = 500;

/** The body of `PUT /v1/accounts/:id/status`, as it is described; {@link checkStatusBody} checks it. */
export class AccountStatusBody {
  @ApiProperty({ enum: accountStatuses })
  readonly status!: AccountStatus;

  @ApiProperty({
    type: String,
    minLength: 1,
    maxLength: reasonLengthMax,
    example: 'identity confirmed',
    description: 'Kept with who and when',
  })
  readonly reason!: string;
}

const checks: FieldChecks = { status: statusProblem, reason: reasonProblem };

/** @throws SlipstreamError malformed_request for fields that do not exist; validation_failed for wrong values */
export function checkStatusBody(body: unknown): AccountStatusBody {
  return checkObject(body, checks);
}

function statusProblem(value: unknown): string | null {
  return accountStatuses.includes(value as AccountStatus)
    ? null
    : `must be one of ${accountStatuses.join(', ')}`;
}

function reasonProblem(value: unknown): string | null {
  if (typeof value !== 'string' || value.trim() === '') return 'must be a text that says why';
  if (value.length > reasonLengthMax) return `must have at most ${reasonLengthMax} characters`;
  return /[\p{Cc}\p{Cs}]/u.test(value) ? 'must not have control characters' : null;
}
