/** Injection token of the read side (LedgerQueries). */
export const QUERIES = Symbol('ledger queries');
/** The proofs, where controllers ask for them. */
export const PROOFS = Symbol('proofs');
/** Injection token of `Suspense`. */
export const SUSPENSE = Symbol('ledger:suspense');
