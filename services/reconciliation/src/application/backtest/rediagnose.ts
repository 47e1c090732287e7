import type { Cause, DataOf, RecordedEvent } from '@slipstream/slip';
import { diagnose, diagnosisRules, diagnosisRulesMin, sameCause } from '../../domain/diagnosis/diagnose.ts';
import type { Stall } from '../../domain/diagnosis/stalls.ts';
import { fold, type WatchedSlip, watch } from '../../domain/watch/watched-slip.ts';
import { ownSource } from './rerun.ts';

/** Diagnoses that would be others now, by what they were and what they would be. */
export interface OtherDiagnosis {
  readonly was: string;
  readonly now: string;
  /** The version that found what it was; null: it had no number yet, and nobody knows the stalls that it knew. */
  readonly rules: number | null;
  readonly diagnoses: number;
  /** How many of them the version that found them still finds; null: it cannot be asked any more. */
  readonly repeated: number | null;
  /** The first of them. */
  readonly slips: readonly string[];
}

export interface RediagnosisReport {
  /** The version that they were made again by. */
  readonly rules: number;
  readonly diagnoses: number;
  readonly same: number;
  readonly others: readonly OtherDiagnosis[];
}

const slipsShown = 5;
/** Events of other services that may have reached the log while the diagnosis was on its way to it. */
const unheardMax = 3;

/** Makes the diagnoses of the log again: each by the slip's events before it, and the stalls that it names. */
export class Rediagnosis {
  readonly #isMeant: (diagnosis: RecordedEvent) => boolean;
  readonly #others = new Map<string, { -readonly [Name in keyof OtherDiagnosis]: OtherDiagnosis[Name] }>();
  #diagnoses = 0;
  #same = 0;

  constructor(isMeant: (diagnosis: RecordedEvent) => boolean = () => true) {
    this.#isMeant = isMeant;
  }

  /** All events of a slip, in the order of the log. */
  add(events: readonly RecordedEvent[]): void {
    for (const [place, recorded] of events.entries()) {
      const { slipId, event } = recorded;
      if (event.type !== 'SlipDiagnosed' || !this.#isMeant(recorded)) continue;
      const before = events.slice(0, place);
      const again = madeAgain(before, event.data, diagnosisRules);
      if (again === null) continue;
      this.#diagnoses += 1;
      if (sameCause(again, event.data.cause)) this.#same += 1;
      else this.#note(slipId, event.data, again, isRepeated(before, event.data));
    }
  }

  report(): RediagnosisReport {
    const others = [...this.#others.values()].sort((a, b) => b.diagnoses - a.diagnoses);
    return { rules: diagnosisRules, diagnoses: this.#diagnoses, same: this.#same, others };
  }

  #note(
    slipId: string,
    { cause, rules = null }: DataOf<'SlipDiagnosed'>,
    again: Cause,
    repeats: boolean | null,
  ): void {
    const [was, now] = [shown(cause), shown(again)];
    const key = `${was} ${now} ${rules}`;
    const none = { was, now, rules, diagnoses: 0, repeated: repeats === null ? null : 0, slips: [] };
    const other = this.#others.get(key) ?? none;
    other.diagnoses += 1;
    if (repeats === true) other.repeated = (other.repeated ?? 0) + 1;
    if (other.slips.length < slipsShown) other.slips = [...other.slips, slipId];
    this.#others.set(key, other);
  }
}

/**
 * By all that stands before it; where that gives another one, by what was heard when it was made: what other services
 * said meanwhile may stand before it, too. null: the log does not have the slip's submission.
 */
function madeAgain(
  before: readonly RecordedEvent[],
  said: DataOf<'SlipDiagnosed'>,
  rules: number,
): Cause | null {
  const stalls = (said.stalls ?? []) as readonly Stall[];
  let first: Cause | null = null;
  let heard = before;
  for (let unheard = 0; unheard <= unheardMax; unheard++) {
    const slip = folded(heard);
    if (slip === null) return first;
    const again = diagnose({ ...slip, stalls }, rules);
    first ??= again;
    if (sameCause(again, said.cause)) return again;
    const last = heard.findLastIndex(({ source }) => source !== ownSource);
    heard = heard.toSpliced(last, 1);
  }
  return first;
}

/** Whether the rules that found it find it again; null: they are not kept. */
function isRepeated(before: readonly RecordedEvent[], said: DataOf<'SlipDiagnosed'>): boolean | null {
  const rules = said.rules ?? 0;
  if (rules < diagnosisRulesMin || rules > diagnosisRules) return null;
  const again = rules === diagnosisRules ? null : madeAgain(before, said, rules);
  return again !== null && sameCause(again, said.cause);
}

function folded(events: readonly RecordedEvent[]): WatchedSlip | null {
  let slip: WatchedSlip | null = null;
  for (const recorded of events) slip = slip === null ? watch(0, recorded) : fold(slip, recorded);
  return slip;
}

/** A diagnosis of the same code may be surer, or rest on other events. */
function shown({ code, confidence }: Cause): string {
  return `${code} ${confidence}`;
}
