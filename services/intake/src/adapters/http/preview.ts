import { ApiProperty } from '@nestjs/swagger';
import { unreachable } from '@slipstream/kernel';
import type { Preview } from '../../application/preview-submissions.ts';
import { textOrNull, timeOrNull, wholeOrNull } from './submit-slip.dto.ts';

/** Injection token of what would become of submissions. */
export const PREVIEW = Symbol('intake:preview');

export class PreviewBody {
  @ApiProperty({ enum: ['submitted', 'in_review', 'draft', 'refused', 'reference_taken'] })
  readonly would!: string;

  @ApiProperty({ type: [String], description: 'The rules that refuse it, or ask for a review' })
  readonly rules!: readonly string[];

  @ApiProperty({ ...textOrNull, description: 'Why it would be refused' })
  readonly detail!: string | null;

  @ApiProperty({ ...timeOrNull, description: 'When the outcome would have to be here' })
  readonly deadline!: string | null;

  @ApiProperty({ ...wholeOrNull, description: 'How many people would have to approve it' })
  readonly approvals_needed!: number | null;

  @ApiProperty({ ...timeOrNull, description: 'Until when they could' })
  readonly review_due_at!: string | null;

  @ApiProperty({ ...timeOrNull, description: 'Until when the draft could be confirmed' })
  readonly expires_at!: string | null;

  @ApiProperty({ ...textOrNull, description: 'The slip that has the reference, or is the same business' })
  readonly slip_id!: string | null;
}

const nothing: Omit<PreviewBody, 'would'> = {
  ...{ rules: [], detail: null, deadline: null, approvals_needed: null },
  ...{ review_due_at: null, expires_at: null, slip_id: null },
};

/** What would become of a submission, as it is told. */
export function previewBody(preview: Preview): PreviewBody {
  const { would } = preview;
  switch (preview.would) {
    case 'refused': {
      const { rule, detail, firstSlipId: slip_id = null } = preview.refusal;
      return { ...nothing, would, rules: [rule], detail, slip_id };
    }
    case 'reference_taken': {
      const detail = 'You have, or send before it, a slip with this reference.';
      return { ...nothing, would, rules: ['reference_taken'], detail, slip_id: preview.slipId };
    }
    case 'draft':
      return { ...nothing, would, expires_at: preview.draft.expiresAt };
    case 'submitted':
    case 'in_review': {
      const { deadline, review } = preview;
      if (review === null) return { ...nothing, would, deadline };
      const { rules, approvalsNeeded: approvals_needed, dueAt: review_due_at, firstSlipId: slip_id } = review;
      return { ...nothing, would, deadline, rules, approvals_needed, review_due_at, slip_id };
    }
    default:
      return unreachable(preview);
  }
}
