/** Every bound of the simulator in one place; tests shorten the times, nothing else changes them. */
export interface Limits {
  /** Slips kept for `GET /v1/truth`; beyond it the oldest is forgotten. */
  readonly truthSlipsMax: number;
  /** Submissions of one slip that did work; a further POST is answered 429. */
  readonly runsPerSlipMax: number;
  /** Final answers remembered per slip; undelivered ones are forgotten first. */
  readonly answersPerSlipMax: number;
  /** Callbacks waiting per provider; a further one is lost, with a line on stderr. */
  readonly callbacksQueuedMax: number;
  readonly callbacksInFlightMax: number;
  readonly callbackTimeoutMs: number;
  readonly callbackRetryDelayMsMin: number;
  readonly callbackRetryDelayMsMax: number;
  /** How long one callback is retried before it is given up. */
  readonly callbackRetryForMs: number;
  readonly dripIntervalMs: number;
  /** An unanswered request's socket is destroyed after this, should the client never give up. */
  readonly silenceMsMax: number;
  /** Time that requests and callbacks in flight get to finish when the simulator stops. */
  readonly drainMsMax: number;
}

export const DEFAULT_LIMITS: Limits = {
  truthSlipsMax: 1_000_000,
  runsPerSlipMax: 1000,
  answersPerSlipMax: 64,
  callbacksQueuedMax: 100_000,
  callbacksInFlightMax: 32,
  callbackTimeoutMs: 5000,
  callbackRetryDelayMsMin: 250,
  callbackRetryDelayMsMax: 5000,
  callbackRetryForMs: 120_000,
  dripIntervalMs: 1000,
  silenceMsMax: 600_000,
  drainMsMax: 2000,
};
