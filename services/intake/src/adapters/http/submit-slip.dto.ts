import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { nameLengthMax, nameProblem } from '@slipstream/kernel';
import { Transform, Type } from 'class-transformer';
import { ValidateIf, ValidateNested } from 'class-validator';
import {
  amountProblem,
  currencyProblem,
  kindProblem,
  metadataProblem,
  slipKinds,
  timeProblem,
} from '../../domain/submission/fields.ts';
import { CheckedBy } from './checked-by.ts';

const name = { type: String, minLength: 1, maxLength: nameLengthMax };

export class AmountBody {
  @ApiProperty({ type: String, example: '1250', description: 'Minor units, digits only: 1250 is 12.50 EUR' })
  @CheckedBy(amountProblem)
  readonly amount!: string;

  @ApiProperty({ type: String, example: 'EUR', description: 'ISO 4217' })
  @CheckedBy(currencyProblem)
  readonly currency!: string;
}

/** The body of `POST /v1/slips`. Types are never converted, and fields that are not here are refused. */
export class SubmitSlipBody {
  @ApiProperty({ ...name, example: 'ord-1001', description: 'Yours; unique among your slips for ever' })
  @CheckedBy(nameProblem)
  readonly reference!: string;

  @ApiProperty({ enum: slipKinds })
  @CheckedBy(kindProblem)
  readonly kind!: (typeof slipKinds)[number];

  @ApiProperty({ ...name, example: 'cust-42', description: 'Who pays' })
  @CheckedBy(nameProblem)
  readonly account!: string;

  @ApiProperty({ ...name, example: 'shop-7', description: 'Who is paid; another account' })
  @CheckedBy(nameProblem)
  readonly counterparty!: string;

  @ApiPropertyOptional({ type: AmountBody, description: 'Absent: the slip moves no money here' })
  @ValidateIf(isGiven('amount'))
  @CheckedBy(objectProblem)
  @ValidateNested()
  @Type(() => AmountBody)
  readonly amount?: AmountBody;

  @ApiPropertyOptional({ ...name, default: 'default' })
  @ValidateIf(isGiven('route'))
  @CheckedBy(nameProblem)
  readonly route?: string;

  @ApiPropertyOptional({
    type: String,
    format: 'date-time',
    nullable: true,
    description: 'When the outcome must be here, within one year; null or absent: the route decides',
  })
  @ValidateIf((body: SubmitSlipBody) => body.deadline !== undefined && body.deadline !== null)
  @CheckedBy(timeProblem)
  readonly deadline?: string | null;

  @ApiPropertyOptional({ type: Boolean, enum: [true], default: true })
  @ValidateIf(isGiven('confirm'))
  @CheckedBy(confirmProblem)
  readonly confirm?: true;

  @ApiPropertyOptional({
    type: Object,
    additionalProperties: { type: 'string' },
    description: 'At most 16 keys and 4096 bytes of UTF-8, stored as given',
  })
  @ValidateIf(isGiven('metadata'))
  // class-transformer would drop keys that every object has, such as "toString".
  @Transform(({ obj }) => obj.metadata)
  @CheckedBy(metadataProblem)
  readonly metadata?: Readonly<Record<string, string>>;
}

/** Only an absent field is left to its default: null is a value, and a wrong one. */
function isGiven(field: keyof SubmitSlipBody): (body: SubmitSlipBody) => boolean {
  return (body) => body[field] !== undefined;
}

function objectProblem(value: unknown): string | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? null
    : 'must be an object with amount and currency, or absent';
}

function confirmProblem(value: unknown): string | null {
  if (value === true) return null;
  return value === false
    ? 'must be true or absent: drafts are not offered, a submitted slip is final'
    : 'must be true or absent';
}

export class AcceptedBody {
  @ApiProperty({ type: String, format: 'uuid' })
  readonly id!: string;

  @ApiProperty({ type: String })
  readonly reference!: string;

  @ApiProperty({ enum: ['submitted'] })
  readonly status!: 'submitted';

  @ApiProperty({ type: String, format: 'date-time', description: 'UTC, microseconds' })
  readonly submitted_at!: string;
}
