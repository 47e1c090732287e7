import { SlipstreamError } from '@slipstream/kernel';
import type { RecordedEvent, SlipEvent, Transaction } from '@slipstream/slip';
import type { AccountKey } from '../posting/account-map.ts';
import type { Decision } from './decide.ts';

/** What the ledger said about a slip, as the log has it. */
export interface ToldAnswer {
  readonly partition: number;
  readonly offset: number;
  readonly recorded: RecordedEvent;
}

/** What a ledger that is older than its log must know when it reads cues again. */
export interface PastParts {
  /** By slip, in the order of the log: what was said about cues that are read again. */
  readonly told: ReadonlyMap<string, readonly ToldAnswer[]>;
  /** Slips of which a cue was put off before. */
  readonly late: ReadonlySet<string>;
  /** Whether all that was said about this slip is on its way to be known here: nothing else is to be said of it now. */
  isFoldedBack(slipId: string): boolean;
}

const plenty = 1n << 200n;

/**
 * What the ledger decided in commits that its database lost (rule 4): its own events tell. Where one answers a cue that is read again, that is
 * the answer; what was never answered is put off until everything that was said, on any partition, is known.
 */
export class Past {
  readonly #parts: PastParts;
  readonly #next = new Map<string, number>();
  readonly #late: Set<string>;
  readonly #taken: ToldAnswer[] = [];
  readonly #putOff: RecordedEvent[] = [];

  constructor(parts: PastParts) {
    this.#parts = parts;
    this.#late = new Set(parts.late);
  }

  /** Answers whose cues have come. */
  get taken(): readonly ToldAnswer[] {
    return this.#taken;
  }

  /** Cues that were not answered, in the order of the log, and what came for their slips after them. */
  get putOff(): readonly RecordedEvent[] {
    return this.#putOff;
  }

  /** Whether it waits behind a cue of its slip that does. */
  waits({ slipId }: RecordedEvent): boolean {
    return this.#late.has(slipId);
  }

  isFoldedBack(slipId: string): boolean {
    return this.#parts.isFoldedBack(slipId);
  }

  wait(cue: RecordedEvent): void {
    this.#late.add(cue.slipId);
    this.#putOff.push(cue);
  }

  /** What was said next about the slip; null: nothing, or all of it is taken. */
  next(slipId: string): ToldAnswer | null {
    return this.#parts.told.get(slipId)?.[this.#next.get(slipId) ?? 0] ?? null;
  }

  /**
   * The decision as it was told. @throws SlipstreamError unavailable when that is another one than would be made now: the rules
   * have changed, or the log is not what was answered, and people look
   */
  take(answer: ToldAnswer, decision: Decision): Pick<Decision, 'event' | 'transaction' | 'fee'> {
    const { partition, offset, recorded } = answer;
    const { event, slipId } = recorded;
    const told = toldBy(event);
    if (nameOf(event, told) !== nameOf(decision.event, decision)) {
      const what = `the ledger said ${event.type} at partition ${partition} offset ${offset} about slip ${slipId}`;
      throw new SlipstreamError(
        'unavailable',
        `${what}, and would say ${decision.event.type} now: its database is older than its log and cannot follow it. See docs/runbooks/service-older-than-its-log.md.`,
      );
    }
    this.#taken.push(answer);
    this.#next.set(slipId, (this.#next.get(slipId) ?? 0) + 1);
    return { event, ...told };
  }
}

/** What an account had when this was decided: enough, or not. */
export function balanceAsTold({ recorded }: ToldAnswer): (account: AccountKey) => bigint {
  return () => (recorded.event.type === 'HoldRefused' ? -plenty : plenty);
}

type Moves = { readonly transaction: Transaction | null; readonly fee: Transaction | null };

function toldBy(event: SlipEvent): Moves {
  switch (event.type) {
    case 'FundsHeld':
      return { transaction: event.data.transaction, fee: null };
    case 'SlipSettled':
    case 'SlipRefunded':
    case 'PostingCompensated':
      return { transaction: event.data.transaction, fee: event.data.fee ?? null };
    default:
      return { transaction: null, fee: null };
  }
}

/** What makes it this answer to this cue: the ids are functions of the cue's. */
function nameOf({ type }: SlipEvent, { transaction, fee }: Moves): string {
  return [type, transaction?.id, fee?.id].join(' ');
}
