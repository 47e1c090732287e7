/** Injection token of the read side (LedgerQueries). */
export const QUERIES = Symbol('ledger queries');
