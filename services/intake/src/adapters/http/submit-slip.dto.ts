import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { nameLengthMax } from '@slipstream/kernel';
import { slipKinds } from '@slipstream/slip';

const name = { type: String, minLength: 1, maxLength: nameLengthMax };

export const timeOrNull = { oneOf: [{ type: 'string', format: 'date-time' }, { type: 'null' }] };
export const textOrNull = { oneOf: [{ type: 'string' }, { type: 'null' }] };
export const wholeOrNull = { oneOf: [{ type: 'integer' }, { type: 'null' }] };

export class AmountBody {
  @ApiProperty({ type: String, example: '1250', description: 'Minor units, digits only: 1250 is 12.50 EUR' })
  readonly amount!: string;

  @ApiProperty({ type: String, example: 'EUR', description: 'ISO 4217' })
  readonly currency!: string;
}

/** The body of `POST /v1/slips`, as it is described; {@link checkBody} checks it. */
export class SubmitSlipBody {
  @ApiProperty({ ...name, example: 'ord-1001', description: 'Yours; unique among your slips for ever' })
  readonly reference!: string;

  @ApiProperty({ enum: slipKinds })
  readonly kind!: (typeof slipKinds)[number];

  @ApiProperty({ ...name, example: 'cust-42', description: 'Who pays' })
  readonly account!: string;

  @ApiProperty({ ...name, example: 'shop-7', description: 'Who is paid; another account' })
  readonly counterparty!: string;

  @ApiPropertyOptional({ type: AmountBody, description: 'Absent: the slip moves no money here' })
  readonly amount?: AmountBody;

  @ApiPropertyOptional({ ...name, default: 'default' })
  readonly route?: string;

  @ApiPropertyOptional({
    ...timeOrNull,
    description: 'When the outcome must be here, within one year; null or absent: the route decides',
  })
  readonly deadline?: string | null;

  @ApiPropertyOptional({
    type: Boolean,
    default: true,
    description:
      'Whether to submit at once; else the slip is a draft until it is confirmed, taken back, or expires',
  })
  readonly confirm?: boolean;

  @ApiPropertyOptional({
    type: Object,
    additionalProperties: { type: 'string' },
    description: 'At most 16 keys and 4096 bytes of UTF-8, stored as given',
  })
  readonly metadata?: Readonly<Record<string, string>>;
}

export class AcceptedBody {
  @ApiProperty({ type: String, format: 'uuid' })
  readonly id!: string;

  @ApiProperty({ type: String })
  readonly reference!: string;

  @ApiProperty({ enum: ['submitted', 'in_review', 'draft'] })
  readonly status!: string;

  @ApiProperty({ ...timeOrNull, description: 'UTC, microseconds; null: it was not' })
  readonly submitted_at!: string | null;

  @ApiPropertyOptional({
    ...{ type: String, format: 'uuid' },
    description: 'The slip of the same business that this one repeats, for which people look at it',
  })
  readonly duplicate_of?: string;
}
