import { createRequire } from 'node:module';

interface RequestQueue {
  pending: unknown[];
  throttledUntil: number;
  scheduleCheckPendingRequests(): void;
}

/**
 * kafkajs 2.2.4 arms a timer on every connection even when nothing waits and nothing is throttled, with a negative
 * delay: Node 24 warns (TimeoutNegativeWarning), and the timer re-arms itself every millisecond for ever
 * (tulios/kafkajs#1751). Nothing is lost by not arming it: a queued request is looked at when one is answered.
 */
const { prototype } = createRequire(import.meta.url)('kafkajs/src/network/requestQueue') as {
  prototype: RequestQueue;
};
const schedule = prototype.scheduleCheckPendingRequests;

prototype.scheduleCheckPendingRequests = function (this: RequestQueue) {
  if (this.pending.length > 0 || this.throttledUntil > Date.now()) schedule.call(this);
};
