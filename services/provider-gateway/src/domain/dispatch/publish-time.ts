/** More than any broker takes that will answer at all: a call waits no longer for its intent. */
export const publishMsMax = 30_000;
/** A pause of the process or the broker is no reason to give an attempt up. */
export const publishMsMin = 200;
/** Before anything was measured: connections are made, and the broker is cold. */
export const publishMsFirst = 2_000;

/**
 * How long the way to the topic may take an intent before its call, learnt from the waits before: twice the latest, a
 * little less after each shorter one. It is added to `not_after`, so that a slow broker makes calls late and not
 * impossible, and a quick one costs a proof next to nothing.
 * @param waitedMs how long the latest intent took, or was waited for in vain
 */
export function nextPublishMs(allowedMs: number, waitedMs: number): number {
  return Math.min(publishMsMax, Math.max(publishMsMin, 2 * waitedMs, allowedMs * 0.9));
}
