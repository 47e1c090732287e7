import { instantToMicros } from '@slipstream/kernel';
import {
  type Cause,
  type CauseCode,
  hardlyAccepts,
  isLive,
  type SlipEvent,
  type SubmittedSlip,
  secretDiffers,
} from '@slipstream/slip';
import { causeOf } from './causes.ts';
import { evidenceOf, type Observations, type Observed } from './observations.ts';
import { proofOf } from './remedy.ts';
import {
  callbackStalled,
  callStalled,
  holdStalled,
  inLife,
  lateByStall,
  type Stall,
  sendingStalled,
} from './stalls.ts';

/**
 * The version of the rules below, told with each diagnosis: raise it with every change that may find another cause, so that past
 * diagnoses can be made again and compared (`slipctl reconcile diagnoses`).
 */
export const diagnosisRules = 5;
/** The oldest version that can still be asked: what a later one finds otherwise asks for `rules` below. */
export const diagnosisRulesMin = 2;

interface Finding {
  readonly code: CauseCode;
  /** 0 (a guess) to 100 (proved). */
  readonly confidence: number;
  readonly shownBy: readonly Observed[];
}

export interface Diagnosable {
  readonly state: SubmittedSlip;
  readonly observations: Observations;
  /** When our own services stood still: before anybody else is blamed, we look at ourselves. */
  readonly stalls: readonly Stall[];
}

type Known = Observations & Pick<Diagnosable, 'stalls'> & { readonly rules: number };

/**
 * Why a slip did not return by its deadline, or was rejected, from its events and our own services' stalls. A diagnosis is a
 * decision (rule 6): it is recorded when it is made, and made again when more is known.
 * @param rules the version to go by, from {@link diagnosisRulesMin} on
 */
export function diagnose({ state, observations, stalls }: Diagnosable, rules = diagnosisRules): Cause {
  const known = { ...observations, rules, stalls: inLife(state, stalls) };
  const { code, confidence, shownBy } = find(state, known);
  return causeOf(code, proofOf(state), confidence, evidenceOf(observations, ['overdue', ...shownBy]));
}

/** The diagnosis as an event; none when it says what was said before. */
export function diagnosed(slip: Diagnosable): SlipEvent[] {
  const cause = diagnose(slip);
  const before = slip.state.cause;
  if (before !== null && sameCause(before, cause)) return [];
  const stalls = inLife(slip.state, slip.stalls);
  return [{ type: 'SlipDiagnosed', data: { cause, rules: diagnosisRules, stalls } }];
}

export function sameCause(a: Cause, b: Cause): boolean {
  return (
    a.code === b.code &&
    a.confidence === b.confidence &&
    a.summary === b.summary &&
    a.remedy === b.remedy &&
    a.evidence.length === b.evidence.length &&
    a.evidence.every((id, index) => id === b.evidence[index])
  );
}

function find(state: SubmittedSlip, known: Known): Finding {
  if (state.rejection !== null) return holdLate(state, known, ['refused']);
  // An import tells how long ago something was late; whether it failed then is in its own records.
  if (state.outcome !== null && state.outcome !== 'succeeded' && isLive(state.clock))
    return whyRejected(state);
  if (state.outcome !== null) return whyLate(state, known);
  if (state.provedNotExecuted) return whyNotExecuted(state, known);
  return state.mode === 'reported' ? whoFellSilent(state) : whyUnknown(state, known);
}

/**
 * ISO 20022's reasons about an account, an amount, a party, a mandate, an identifier or the regulator name what the
 * payer or the payee must put right; anything else is the provider's.
 */
const reasonOfUser = /^(AC|AM|BE|MD|RC|RR)[0-9]{2}$/;

/** The provider answered that it did not execute it. */
function whyRejected({ outcome, outcomeReason }: SubmittedSlip): Finding {
  const confidence = outcomeReason === null ? 60 : 90;
  if (outcome === 'void') return { code: 'provider_voided', confidence, shownBy: ['returned'] };
  const code = reasonOfUser.test(outcomeReason ?? '') ? 'rejected_for_payer' : 'provider_rejected';
  return { code, confidence, shownBy: ['returned'] };
}

/** The ledger's answer came too late, or not at all. */
function holdLate(state: SubmittedSlip, known: Known, last: readonly Observed[]): Finding {
  const code = holdStalled(state, known.stalls) ?? 'hold_late';
  return { code, confidence: 90, shownBy: ['submitted', 'held', ...last] };
}

/** It was executed and its answer came too late. */
function whyLate(state: SubmittedSlip, known: Known): Finding {
  if (state.mode === 'reported') {
    const code = lateByStall(state, known.stalls) ?? 'provider_slow';
    return { code, confidence: 80, shownBy: ['held', 'returned'] };
  }
  if (state.heldAt === null || state.heldAt > state.deadline) return holdLate(state, known, ['returned']);
  if (known.ids.not_sent !== undefined && leftLate(state)) {
    return { code: notSentCode(known), confidence: 80, shownBy: ['not_sent', 'intended', 'returned'] };
  }
  const told = state.evidence === 'signed_callback' || state.evidence === 'synchronous_reply';
  if (told) {
    const refused = state.evidence === 'signed_callback' ? refusedByUs(known) : null;
    const stalled = lateByStall(state, known.stalls);
    const code = (known.rules < 5 ? (stalled ?? refused) : (refused ?? stalled)) ?? 'provider_slow';
    return {
      code,
      confidence: code === 'provider_slow' ? 90 : 80,
      shownBy: ['held', 'intended', ...(code === refused ? refusals : []), 'returned'],
    };
  }
  // Only when asked did the provider say so.
  if (state.acknowledgedAt !== null || known.unansweredReason === null) {
    const missed = callbackMissed(state, known);
    const refused = refusedByUs(known);
    const lost = isCalledBack(state, known) ? 'provider_slow' : 'callback_lost';
    // Whoever refuses every callback would have refused this one, too, had he been there.
    const code = (known.rules < 5 ? (missed ?? refused) : (refused ?? missed)) ?? lost;
    // One that was refused may have been it, or a stranger's.
    const isDoubtful = known.rules >= 3 && code === 'callback_lost' && known.callbacksRefused !== undefined;
    const confidence = code === missed ? 70 : code === refused ? 85 : isDoubtful ? 60 : 90;
    const shown = ['intended', 'acknowledged', 'answered', 'returned', 'called_back'] as const;
    return { code, confidence, shownBy: code === refused ? [...shown, 'callback_refused'] : shown };
  }
  const code = unansweredCode(known.unansweredReason) ?? unheard(state, known) ?? 'reply_lost';
  return { code, confidence: 85, shownBy: ['intended', 'unanswered', 'answered', 'returned'] };
}

/** What tells of callbacks that were refused. */
const refusals = ['answered', 'callback_refused'] as const;

/** Whether hardly a callback of the provider can be accepted while the slip is waited for: our secret is another than the provider's. */
function refusedByUs({ callbacksRefused: told, rules }: Known): CauseCode | null {
  if (told === undefined) return null;
  return (rules < 3 ? hardlyAccepts(told) : secretDiffers(told)) ? 'callback_signature_refused' : null;
}

/** Its callback came after all, and says what it said when asked. */
function isCalledBack(
  { contradictedBy }: Pick<SubmittedSlip, 'contradictedBy'>,
  { ids }: Pick<Observations, 'ids'>,
): boolean {
  return ids.called_back !== undefined && contradictedBy === null;
}

/** Nobody was there to take the callback, or it was sent too late for one to come in time. */
function callbackMissed(state: SubmittedSlip, known: Known): CauseCode | null {
  const { stalls, rules } = known;
  const never = rules >= 5 && !isCalledBack(state, known);
  const missed = never ? callbackStalled(state, stalls) : callStalled(state, state.deadline, stalls);
  return missed ?? (leftLate(state) ? sendingStalled(state, stalls) : null);
}

/** The gateway stood still during the call that had no answer: the answer may have been there. */
function unheard(state: SubmittedSlip, { unansweredAt = state.deadline, stalls }: Known): CauseCode | null {
  return callStalled(state, unansweredAt, stalls);
}

/** More than half of the time was gone before anything could be sent. */
function leftLate({ submittedAt, approvedAt, dispatchedAt, deadline }: SubmittedSlip): boolean {
  if (dispatchedAt === null) return false;
  const start = instantToMicros(approvedAt ?? submittedAt);
  return (instantToMicros(dispatchedAt) - start) * 2n > instantToMicros(deadline) - start;
}

/** It was proved that the provider has not executed it and never will. */
function whyNotExecuted(state: SubmittedSlip, known: Known): Finding {
  if (!state.mayHaveLeft) return whyNeverSent(state, known);
  const code = unansweredCode(known.unansweredReason) ?? unheard(state, known) ?? 'request_lost';
  return { code, confidence: 85, shownBy: ['intended', 'unanswered', 'answered'] };
}

function whyNeverSent(state: SubmittedSlip, known: Known): Finding {
  if (known.ids.not_sent !== undefined) {
    return { code: notSentCode(known), confidence: 95, shownBy: ['not_sent', 'answered'] };
  }
  if (state.heldAt === null || state.heldAt > state.deadline) return holdLate(state, known, ['answered']);
  // Its circuit was open, or people had disabled it: no call was tried.
  if (known.lastAnswer?.heldUpBy === 'provider') {
    return { code: 'provider_unreachable', confidence: 80, shownBy: ['held', 'answered'] };
  }
  const code = sendingStalled(state, known.stalls) ?? 'never_dispatched';
  return { code, confidence: 90, shownBy: ['submitted', 'held', 'answered'] };
}

/** Nobody can be asked: all that is known is how far it was heard of. */
function whoFellSilent(state: SubmittedSlip): Finding {
  if (state.lastStep !== null) {
    return { code: 'silent_after_progress', confidence: 60, shownBy: ['acknowledged', 'progressed'] };
  }
  if (state.acknowledgedAt !== null) {
    return { code: 'silent_after_acknowledgement', confidence: 60, shownBy: ['acknowledged'] };
  }
  const code = isLive(state.clock) ? 'no_report' : 'no_acknowledgement';
  return { code, confidence: 50, shownBy: ['submitted'] };
}

/** It took the slip and said no more, as far as we took its word. */
function silentAfterAcknowledgement(known: Known): Finding {
  const refused = refusedByUs(known);
  return {
    code: refused ?? 'silent_after_acknowledgement',
    confidence: refused === null ? 50 : 70,
    shownBy: ['intended', 'acknowledged', ...(refused === null ? (['answered'] as const) : refusals)],
  };
}

/** Every inquiry was asked and nothing is proved. */
function whyUnknown(state: SubmittedSlip, known: Known): Finding {
  switch (known.lastAnswer?.answer) {
    case 'pending':
      return { code: 'provider_pending', confidence: 80, shownBy: ['intended', 'acknowledged', 'answered'] };
    case 'no_answer':
      // It took the slip, so there was a way to it: then its silence is its own.
      if (state.acknowledgedAt !== null) return silentAfterAcknowledgement(known);
      return {
        code: 'provider_unreachable',
        confidence: 60,
        shownBy: ['intended', 'unanswered', 'answered'],
      };
    case 'unclear':
      return { code: 'garbage_answer', confidence: 80, shownBy: ['intended', 'acknowledged', 'answered'] };
    case 'not_found': {
      // A provider that has spoken of a slip and denies it later proves nothing (rule 3).
      if (state.acknowledgedAt !== null) {
        return { code: 'provider_dropped', confidence: 80, shownBy: ['acknowledged', 'answered'] };
      }
      // Without a bound on late acceptance, or heard once, NOT_FOUND proves nothing (rule 3); yet who does not know of a call that
      // had no answer has most likely never got it.
      const likely = known.rules >= 4 && known.unansweredReason !== null ? 'request_lost' : 'undetermined';
      const code = unansweredCode(known.unansweredReason) ?? unheard(state, known) ?? likely;
      return { code, confidence: 40, shownBy: ['intended', 'unanswered', 'answered'] };
    }
    default:
      if (state.acknowledgedAt !== null) return silentAfterAcknowledgement(known);
      return { code: 'undetermined', confidence: 0, shownBy: ['submitted', 'intended', 'unanswered'] };
  }
}

/** What the way a call ended tells; null when it says no more than that no answer came. */
function unansweredCode(reason: string | null): CauseCode | null {
  switch (reason) {
    case 'restart':
    case 'not_recorded':
      return 'gateway_interrupted';
    case 'server_error':
      return 'provider_error';
    case 'throttled':
      return 'provider_busy';
    case 'redirect':
      return 'provider_moved';
    case 'garbage':
    case 'too_large':
      return 'garbage_answer';
    default:
      return null;
  }
}

/** Whoever refuses a connection is there and takes none; a name that nobody knows is a setting of ours. */
function notSentCode({ notSentReason }: Observations): CauseCode {
  switch (notSentReason) {
    case 'connection_refused':
      return 'provider_refused';
    case 'name_not_found':
      return 'provider_address_wrong';
    default:
      return 'provider_unreachable';
  }
}
