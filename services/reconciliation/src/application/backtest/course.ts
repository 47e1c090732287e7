import type { Instant } from '@slipstream/kernel';
import type { RecordedEvent } from '@slipstream/slip';
import { isAutomaticRefund } from '../../domain/repair/budget.ts';

/** What became of a slip under some rules, as far as these rules have a say in it. */
export interface Course {
  /** null: it was never submitted. */
  readonly deadline: Instant | null;
  /** It was called overdue, or not. */
  readonly overdue: boolean;
  /** Questions that the ladder asked. */
  readonly inquiries: number;
  /** When its money was asked back without people. */
  readonly refundAt: Instant | null;
  /** It was concluded that it never returned, and on what. */
  readonly notReturned: 'not_executed' | 'no_answer' | null;
  readonly caseOpened: boolean;
  /** When the first answer was received, whatever came of it. */
  readonly answeredAt: Instant | null;
  /** The provider said, then or later, that it executed it. */
  readonly succeeded: boolean;
}

export const nothing: Course = {
  ...{ deadline: null, overdue: false, inquiries: 0, refundAt: null, notReturned: null },
  ...{ caseOpened: false, answeredAt: null, succeeded: false },
};

/** With one more event of the slip's. */
export function followed(course: Course, recorded: RecordedEvent): Course {
  const { event } = recorded;
  switch (event.type) {
    case 'SlipSubmitted':
    case 'SlipApproved':
      return { ...course, deadline: event.data.deadline };
    case 'SlipOverdue':
      return { ...course, overdue: course.overdue || event.data.stage === 'returned' };
    case 'InquiryRequested': {
      const byPeople = (event.data.requestedBy ?? null) !== null;
      return byPeople ? course : { ...course, inquiries: course.inquiries + 1 };
    }
    case 'RefundRequested':
      if (course.refundAt !== null || !isAutomaticRefund(event)) return course;
      return { ...course, refundAt: recorded.time };
    case 'SlipNotReturned':
      return { ...course, notReturned: event.data.basis };
    case 'CaseOpened':
      return { ...course, caseOpened: true };
    case 'SlipReturned': {
      const answeredAt = course.answeredAt ?? recorded.receivedTime;
      return { ...course, answeredAt, succeeded: course.succeeded || event.data.outcome === 'succeeded' };
    }
    default:
      return course;
  }
}

/** The answer came after the verdict: it was late, and not lost. */
export function answeredLater({ overdue, answeredAt }: Course): boolean {
  return overdue && answeredAt !== null;
}

/** Money was asked back of what the provider had executed, as it said sooner or later. */
export function refundContradicted({ refundAt, succeeded }: Course): boolean {
  return refundAt !== null && succeeded;
}
