/** The CloudEvents `source` of each service. */
export const sources = {
  intake: '/slipstream/intake',
  gateway: '/slipstream/provider-gateway',
  ledger: '/slipstream/ledger',
  reconciliation: '/slipstream/reconciliation',
} as const;

export type Source = (typeof sources)[keyof typeof sources];

/** The clock of slips that live in real time; imports have clocks of their own. */
export const wallClock = 'wall';
