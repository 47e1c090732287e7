import { ApiProperty } from '@nestjs/swagger';
import { SubmitSlipBody } from './submit-slip.dto.ts';

/** Of one request. */
export const slipsMax = 1_000;
/** A slip has 2 KiB on the average. */
export const batchBytesMax = 2_097_152;

export class BatchBody {
  @ApiProperty({ type: [SubmitSlipBody], minItems: 1, maxItems: slipsMax })
  readonly slips!: readonly SubmitSlipBody[];
}

export class BatchAnswerBody {
  @ApiProperty({
    type: 'array',
    items: {
      type: 'object',
      required: ['status'],
      properties: {
        status: { type: 'integer' },
        slip: { type: 'object' },
        preview: { type: 'object' },
        problem: { type: 'object' },
      },
    },
    description:
      'In the order of the slips. `status` is the one that the slip would have got alone; with 202 comes `slip`, the ' +
      'answer with its `slip_position` and `replayed`; with dry_run and 200 `preview`; else `problem`',
  })
  readonly data!: readonly object[];
}
