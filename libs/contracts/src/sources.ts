/** The CloudEvents `source` of each service. */
export const sources = {
  intake: '/slipstream/intake',
  gateway: '/slipstream/provider-gateway',
  ledger: '/slipstream/ledger',
  reconciliation: '/slipstream/reconciliation',
} as const;

export type Source = (typeof sources)[keyof typeof sources];
