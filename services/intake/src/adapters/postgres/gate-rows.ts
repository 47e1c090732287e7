import type { Gate } from '../../domain/submission/gates.ts';

/** A gate as `pass_gates` takes it; null: the slip goes through none. */
export function gateRow(gate: Gate | null) {
  if (gate === null) return { account: null, counterparty: null, gate: null };
  const { account, counterparty, windows } = gate;
  if (windows === null) return { account, counterparty, gate: null };
  const limits = windows.limits.map(({ key, windowMs, most, adds }) => {
    return { key, window_ms: windowMs, most: String(most), adds: String(adds) };
  });
  const { business, duplicateMs: duplicate_ms, again } = windows;
  return { account, counterparty, gate: JSON.stringify({ business, duplicate_ms, again, limits }) };
}

/** Whether accounts must have been opened; it is the same for all that go through gates. */
export function knownOnly(gates: readonly (Gate | null)[]): boolean {
  return gates.some((gate) => gate?.knownOnly === true);
}
