import { ApiProperty, ApiPropertyOptional, getSchemaPath } from '@nestjs/swagger';
import { slipKinds } from '@slipstream/slip';
import { declineReasons } from '../../domain/review/decide-review.ts';
import { AmountBody, textOrNull, wholeOrNull } from './submit-slip.dto.ts';

export const wordsLengthMax = 500;
const words = { type: String, minLength: 1, maxLength: wordsLengthMax };
const time = { type: String, format: 'date-time' };

/** The body of `POST /v1/slips/{id}/withdraw`, as it is described; `read-words.ts` checks it, and those below. */
export class WithdrawBody {
  @ApiPropertyOptional({ ...words, example: 'ordered twice', description: 'Why' })
  readonly reason?: string;
}

export class ApproveBody {
  @ApiPropertyOptional({ ...words, example: 'invoice 17 checked', description: 'Kept with the approval' })
  readonly note?: string;
}

export class DeclineBody {
  @ApiProperty({ enum: declineReasons })
  readonly reason!: (typeof declineReasons)[number];

  @ApiPropertyOptional({ ...words, example: 'asked the payer', description: 'Kept with the reason' })
  readonly detail?: string;
}

export class ChangedBody {
  @ApiProperty({ type: String, format: 'uuid' })
  readonly id!: string;

  @ApiProperty({ type: String })
  readonly reference!: string;

  @ApiProperty({ enum: ['withdrawn', 'in_review', 'submitted', 'declined'] })
  readonly status!: string;

  @ApiProperty({ ...time, description: 'UTC, microseconds' })
  readonly changed_at!: string;
}

export class ReviewBody {
  @ApiProperty({ type: String, format: 'uuid', description: "The slip's" })
  readonly id!: string;

  @ApiProperty({ type: String })
  readonly reference!: string;

  @ApiProperty({ enum: slipKinds })
  readonly kind!: string;

  @ApiProperty({ type: String })
  readonly account!: string;

  @ApiProperty({ type: String })
  readonly counterparty!: string;

  @ApiProperty({ oneOf: [{ $ref: getSchemaPath(AmountBody) }, { type: 'null' }] })
  readonly amount!: AmountBody | null;

  @ApiProperty({ type: String })
  readonly route!: string;

  @ApiProperty({ type: String, description: 'Whoever submitted it: decides nothing about it' })
  readonly maker!: string;

  @ApiProperty({ enum: ['open', 'approved', 'declined', 'withdrawn'] })
  readonly status!: string;

  @ApiProperty({ type: [String], description: 'The rules that asked for the review' })
  readonly rules!: readonly string[];

  @ApiProperty({ ...textOrNull, description: 'The slip of the same business that it repeats' })
  readonly first_slip_id!: string | null;

  @ApiProperty({ type: 'integer', enum: [1, 2] })
  readonly approvals_needed!: number;

  @ApiProperty({ type: [String], description: 'Who approved it' })
  readonly approved_by!: readonly string[];

  @ApiProperty({ ...textOrNull, description: 'Who said that they look at it' })
  readonly claimed_by!: string | null;

  @ApiProperty({ ...textOrNull, description: 'Who ended it; intake: nobody did in time' })
  readonly decided_by!: string | null;

  @ApiProperty({ ...textOrNull, description: 'A code, when it was declined' })
  readonly reason!: string | null;

  @ApiProperty({ ...textOrNull, description: 'The words of whoever ended it' })
  readonly detail!: string | null;

  @ApiProperty(time)
  readonly requested_at!: string;

  @ApiProperty({ ...time, description: 'Declined from then on unless it was decided' })
  readonly due_at!: string;

  @ApiProperty({ ...wholeOrNull, description: 'How long it has been waiting; null: it is not' })
  readonly age_ms!: number | null;

  @ApiProperty({ type: 'integer', description: 'Of the slip: its ETag' })
  readonly version!: number;
}
