/** Defaults of the optional keys, in the file's names. */
export const rulesDefaults = {
  provider: {
    protocol: 'json-callback',
    connect_timeout_ms: 1000,
    answer_timeout_ms: 10_000,
    concurrency_max: 32,
    circuit_open_ms: 5_000,
    throttled_means_not_taken: false,
    visibility_delay_ms: 0,
    failures_final: true,
    poll_ladder_ms: [2000, 5000, 15_000, 60_000, 300_000, 1_800_000, 7_200_000],
  },
  route: {
    overdraft: false,
    kinds: ['order', 'payout', 'payment'],
    retry_initial_ms: 200,
    retry_max_ms: 30_000,
    quiet_period_ms: 30_000,
    inquiry_ladder_ms: [0, 30_000, 120_000, 600_000, 3_600_000],
    draft_expires_ms: 86_400_000,
    draft_remind_before_ms: 3_600_000,
  },
  routeProvider: { priority: 1, weight: 1 },
  review: { kinds: ['payout'], deadline_ms: 86_400_000 },
  detection: { grace_ms: 0, blind_ms_max: 60_000, clock_skew_ms_max: 1_000 },
} as const;
