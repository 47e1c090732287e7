/**
 * When a circuit opens: more than this share of the last calls failed, of so many at least. The gateway's circuits go by it, and a backtest.
 * What a provider's own rules say is how long it stays open (`circuit_open_ms`).
 */
export const circuitWindow = { failedShare: 0.5, calls: 50, callsMin: 20 } as const;
