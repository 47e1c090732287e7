import { verdictId } from '@slipstream/contracts';
import { addMs, type Instant } from '@slipstream/kernel';
import { endsReturnedInTime, type RecordedEvent, type SlipEvent } from '@slipstream/slip';

/** Where a verdict of the log and one that was recorded are not the same. */
export interface Difference {
  /** `missing`: the log gives a verdict that nobody recorded; `extra`: the other way round; `differs`: both, not equal. */
  readonly kind: 'missing' | 'extra' | 'differs';
  readonly slipId: string;
  readonly clock: string;
  /** By the log; of an extra verdict the one that it names. */
  readonly deadline: Instant;
  readonly detail: string;
}

export interface Compared {
  readonly slips: number;
  /** Verdicts that the log gives and that were recorded as they are. */
  readonly verdicts: number;
  /** Slips without a verdict because a record of theirs is set aside. */
  readonly setAside: number;
  readonly differences: readonly Difference[];
}

/** What is compared. */
export interface Range {
  /** By clock: up to when deadlines were judged before the log was read. */
  readonly judgedThrough: ReadonlyMap<string, Instant | null>;
  /** Slips that wait behind a dead letter of the reconciler: nobody can judge them. */
  readonly setAside: ReadonlySet<string>;
  /** Deadlines from and up to which verdicts are compared; null: all. */
  readonly from: Instant | null;
  readonly to: Instant | null;
}

/** The events that verdicts about the stage `returned` are made of, and the verdicts. */
export const judgedBy: ReadonlySet<SlipEvent['type']> = new Set<SlipEvent['type']>([
  'SlipSubmitted',
  'SlipApproved',
  'SlipReturned',
  'HoldRefused',
  'SlipRejected',
  'SlipWithdrawn',
  'SlipDeclined',
  'SlipOverdue',
]);

type Recorded = Pick<Difference, 'deadline'> & { readonly id: string; readonly receivedTime: Instant };

interface Followed {
  readonly clock: string;
  deadline: Instant | null;
  graceMs: number;
  submitted: boolean;
  approved: boolean;
  inTime: boolean;
  recorded: Recorded | null;
}

/**
 * A reconciler that only reads: it finds again, from the log alone, which slips were overdue (rule 6), and compares that
 * with what was recorded. It keeps the slips that have no answer in time; one that has is kept no more.
 */
export class Shadow {
  readonly #open = new Map<string, Followed>();
  readonly #extra: Difference[] = [];
  #slips = 0;

  /** The next event of its partition, in the order of the log; a record that came again changes nothing. */
  take(recorded: RecordedEvent): void {
    const { event, slipId } = recorded;
    if (event.type === 'SlipOverdue') {
      if (event.data.stage === 'returned') this.#recorded(recorded, event.data.deadline);
      return;
    }
    const slip = this.#open.get(slipId) ?? this.#begun(recorded);
    if (slip === null) return;
    if (event.type === 'SlipSubmitted') {
      if (!slip.submitted) this.#slips += 1;
      slip.submitted = true;
      slip.graceMs = event.data.policy.graceMs;
      if (!slip.approved) slip.deadline = event.data.deadline;
    } else if (event.type === 'SlipApproved') {
      if (!slip.approved) slip.deadline = event.data.deadline;
      slip.approved = true;
    } else if (slip.deadline !== null && endsReturnedInTime(recorded, slip.deadline)) {
      slip.inTime = true;
      // What was recorded of it is wrong, and told at the end.
      if (slip.recorded === null) this.#open.delete(slipId);
    }
  }

  compare({ judgedThrough, setAside, from, to }: Range): Compared {
    const differences: Difference[] = [];
    let verdicts = 0;
    let waiting = 0;
    for (const [slipId, slip] of this.#open) {
      const { deadline, clock, recorded, inTime, graceMs } = slip;
      if (deadline === null) continue;
      if (recorded !== null) {
        const detail = inTime ? 'the log has an answer in time' : unequal(slipId, deadline, recorded);
        if (detail === null) verdicts += isWithin(deadline, from, to) ? 1 : 0;
        else differences.push({ kind: inTime ? 'extra' : 'differs', slipId, clock, deadline, detail });
        continue;
      }
      const through = judgedThrough.get(clock) ?? null;
      if (through === null || addMs(deadline, graceMs) > through) continue;
      if (setAside.has(slipId)) waiting += 1;
      else differences.push({ kind: 'missing', slipId, clock, deadline, detail: 'no verdict was recorded' });
    }
    const told = [...this.#extra, ...differences].filter(({ deadline }) => isWithin(deadline, from, to));
    told.sort((a, b) => (a.deadline < b.deadline ? -1 : a.deadline > b.deadline ? 1 : 0));
    return { slips: this.#slips, verdicts, setAside: waiting, differences: told };
  }

  #begun({ event, slipId, clock }: RecordedEvent): Followed | null {
    if (event.type !== 'SlipSubmitted' && event.type !== 'SlipApproved') return null;
    const slip: Followed = {
      ...{ clock, deadline: null, graceMs: 0, submitted: false, approved: false, inTime: false },
      recorded: null,
    };
    this.#open.set(slipId, slip);
    return slip;
  }

  #recorded({ id, slipId, clock, receivedTime }: RecordedEvent, deadline: Instant): void {
    const slip = this.#open.get(slipId);
    const recorded = { id, deadline, receivedTime };
    if (slip === undefined) {
      const detail = 'the log has an answer in time, or no submission';
      this.#extra.push({ kind: 'extra', slipId, clock, deadline, detail });
    } else if (slip.recorded === null) {
      slip.recorded = recorded;
    } else if (slip.recorded.id !== id) {
      this.#extra.push({ kind: 'extra', slipId, clock, deadline, detail: 'it was recorded before' });
    }
  }
}

function unequal(slipId: string, deadline: Instant, recorded: Recorded): string | null {
  if (recorded.deadline !== deadline) return `it was judged by ${recorded.deadline}`;
  if (recorded.receivedTime !== deadline) return `it was received at ${recorded.receivedTime}`;
  const id = verdictId(slipId, 'returned', deadline);
  return recorded.id === id ? null : `its id is ${recorded.id} instead of ${id}`;
}

function isWithin(deadline: Instant, from: Instant | null, to: Instant | null): boolean {
  return (from === null || deadline >= from) && (to === null || deadline <= to);
}
