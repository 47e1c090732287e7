/** The CloudEvents `source` of each service. */
export const sources = {
  intake: '/slipstream/intake',
  gateway: '/slipstream/provider-gateway',
  ledger: '/slipstream/ledger',
  reconciliation: '/slipstream/reconciliation',
  notification: '/slipstream/notification',
} as const;

/** A service that publishes events. */
export type Owner = keyof typeof sources;
export type Source = (typeof sources)[keyof typeof sources];
