import { addMs, earlier, type Instant, instantToMicros } from '@slipstream/kernel';
import { type CauseCode, isLive, type SubmittedSlip } from '@slipstream/slip';
import type { Owner } from '../deadline/marks.ts';

/** A time in which one of our services said nothing, though it had meant to speak: it can have done nothing for a slip either. */
export interface Stall {
  readonly service: Owner;
  readonly from: Instant;
  readonly until: Instant;
}

/** Of more the shorter ones are left out: a diagnosis names those that it knew, and an event has its size. */
const stallsMax = 20;

/** The stalls in a slip's life, all that a diagnosis of it can rest on; the oldest first. */
export function inLife(
  { submittedAt, deadline, clock }: SubmittedSlip,
  stalls: readonly Stall[],
): readonly Stall[] {
  if (!isLive(clock)) return [];
  const met = stalls.filter(({ from, until }) => from < deadline && until > submittedAt);
  if (met.length <= stallsMax) return met;
  const longest = new Set(met.toSorted((a, b) => Number(microsOf(b) - microsOf(a))).slice(0, stallsMax));
  return met.filter((stall) => longest.has(stall));
}

type StallCode = Extract<CauseCode, `${string}_stalled`>;

const codes = {
  intake: 'intake_stalled',
  ledger: 'ledger_stalled',
  gateway: 'gateway_stalled',
} as const satisfies Record<Owner, StallCode>;

/** A part of a slip's life, and the services that it can only have gone on through. */
interface Stretch {
  readonly services: readonly Owner[];
  readonly from: Instant;
  readonly until: Instant;
}

/** What of a stall lies in a stretch. */
interface Lost extends Stall {
  readonly stall: Stall;
}

/**
 * Whose stall made an answer late that came by itself: without it, it would have been in time. The provider may have been slow,
 * too; only who would have missed the deadline by itself is blamed for it.
 */
export function lateByStall(state: SubmittedSlip, stalls: readonly Stall[]): StallCode | null {
  const { returnedAt, deadline } = state;
  if (returnedAt === null) return null;
  const lost = lostIn(wholeLife(state, returnedAt), state, stalls);
  const lateBy = instantToMicros(returnedAt) - instantToMicros(deadline);
  return lostMicros(lost) >= lateBy ? codeOf(lost, stalls) : null;
}

/** Whose stall the hold waited for. */
export function holdStalled(state: SubmittedSlip, stalls: readonly Stall[]): StallCode | null {
  return codeOf(lostIn([untilHeld(state, state.heldAt ?? state.deadline)], state, stalls), stalls);
}

/** Whose stall kept a slip from being sent until it was sent, or until its deadline. */
export function sendingStalled(state: SubmittedSlip, stalls: readonly Stall[]): StallCode | null {
  const { heldAt, dispatchedAt, deadline } = state;
  const until = dispatchedAt ?? deadline;
  const stretches = [untilHeld(state, heldAt ?? until), ...untilSent(state, until)];
  return codeOf(lostIn(stretches, state, stalls), stalls);
}

/** Whether the gateway stalled between the call and `until`: what it was told then, it may not have heard. */
export function callStalled(
  state: SubmittedSlip,
  until: Instant,
  stalls: readonly Stall[],
): StallCode | null {
  const { dispatchedAt } = state;
  if (dispatchedAt === null) return null;
  const call: Stretch = { services: ['gateway'], from: dispatchedAt, until };
  return codeOf(lostIn([call], state, stalls), stalls);
}

/** A callback that reaches us so shortly before the deadline need not be written by then. */
const takenWithinMs = 1_000;

/**
 * As {@link callStalled} until the deadline, of a callback that never came: whoever was there again for longer than he had been away would have
 * taken it, for a provider waits, and tries again.
 */
export function callbackStalled(state: SubmittedSlip, stalls: readonly Stall[]): StallCode | null {
  const { dispatchedAt: from, deadline } = state;
  if (from === null) return null;
  const lost = lostIn([{ services: ['gateway'], from, until: deadline }], state, stalls);
  const awayAtTheEnd = lost.some(({ until }) => until >= addMs(deadline, -takenWithinMs));
  const mostly = lostMicros(lost) * 2n >= instantToMicros(deadline) - instantToMicros(from);
  return awayAtTheEnd || mostly ? codeOf(lost, stalls) : null;
}

function wholeLife(state: SubmittedSlip, until: Instant): Stretch[] {
  const { heldAt, dispatchedAt, mode } = state;
  const sentAt = mode === 'reported' ? heldAt : dispatchedAt;
  const hold = untilHeld(state, heldAt ?? until);
  if (heldAt === null) return [hold];
  const answer: Stretch[] = sentAt === null ? [] : [{ services: ['gateway'], from: sentAt, until }];
  return [hold, ...untilSent(state, sentAt ?? until), ...answer];
}

function untilHeld({ submittedAt, approvedAt }: SubmittedSlip, until: Instant): Stretch {
  return { services: ['intake', 'ledger'], from: approvedAt ?? submittedAt, until };
}

/** A hold that was decided may not have been sent. */
function untilSent({ heldAt }: SubmittedSlip, until: Instant): Stretch[] {
  return heldAt === null ? [] : [{ services: ['ledger', 'gateway'], from: heldAt, until }];
}

/** A stall that began after the deadline made nothing late; imports know no wall clock. */
function lostIn(stretches: readonly Stretch[], state: SubmittedSlip, stalls: readonly Stall[]): Lost[] {
  if (stalls.length === 0 || !isLive(state.clock)) return [];
  return stretches.flatMap(({ services, from, until }) =>
    stalls
      .filter((stall) => services.includes(stall.service) && stall.from < state.deadline)
      .map((stall) => ({
        ...{
          stall,
          service: stall.service,
          from: later(from, stall.from),
          until: earlier(until, stall.until),
        },
      }))
      .filter((lost) => lost.from < lost.until),
  );
}

/** The one that lost the most; when all of them were silent at one time, it is what they share. */
function codeOf(lost: readonly Lost[], stalls: readonly Stall[]): StallCode | null {
  const [most] = lost.toSorted((a, b) => Number(microsOf(b) - microsOf(a)));
  if (most === undefined) return null;
  const silent = new Set(stalls.filter((other) => overlap(other, most)).map(({ service }) => service));
  return silent.size === Object.keys(codes).length ? 'services_stalled' : codes[most.service];
}

function later(a: Instant, b: Instant): Instant {
  return a > b ? a : b;
}

function overlap(a: Stall, b: Stall): boolean {
  return a.from < b.until && b.from < a.until;
}

function microsOf({ from, until }: Stall): bigint {
  return instantToMicros(until) - instantToMicros(from);
}

/** The time that was lost in all; what two services lost at once counts once. */
function lostMicros(lost: readonly Lost[]): bigint {
  let through: Instant = '';
  let sum = 0n;
  for (const { from, until } of lost.toSorted((a, b) => (a.from < b.from ? -1 : 1))) {
    const start = later(from, through);
    if (start < until) sum += instantToMicros(until) - instantToMicros(start);
    through = later(through, until);
  }
  return sum;
}
