import { InvariantError, type Money, type MoneyJson, moneyToJson } from '@slipstream/kernel';
import { caseOf } from './case.ts';
import { initialState } from './initial-state.ts';
import type { SlipCase, SlipState } from './state.ts';
import { statusOf } from './status.ts';

type Stored = Omit<SlipState, 'amount' | 'returnedAmount' | 'overdraftLimit'> & {
  readonly overdraftLimit?: string | null;
  readonly amount: MoneyJson | null;
  readonly returnedAmount: MoneyJson | null;
};

/** What is not stored, because it is read back so. */
const initial: Readonly<Record<string, unknown>> = { ...initialState('', '') };
const names = Object.keys(initial);

/**
 * JSON of a state, amounts as decimal strings, without the many facts that are as they were at the beginning. A stored
 * state is a cache of the log: it can be folded again.
 */
export function serializeState(state: SlipState): string {
  const stored: Record<string, unknown> = {};
  for (const name of names) {
    const value = state[name as keyof SlipState];
    if (value === initial[name] || (Array.isArray(value) && value.length === 0)) continue;
    stored[name] = value;
  }
  if (state.overdraftLimit !== null) stored.overdraftLimit = state.overdraftLimit.toString();
  if (state.amount) stored.amount = moneyToJson(state.amount);
  if (state.returnedAmount) stored.returnedAmount = moneyToJson(state.returnedAmount);
  return JSON.stringify(stored);
}

/**
 * Reads back what {@link serializeState} wrote, also of another version: facts that it did not know take their initial
 * value, and the status follows from the facts. @throws InvariantError for any other text
 */
export function parseState(text: string): SlipState {
  const stored = parseStored(text);
  const facts = {
    ...initialState(stored.slipId, stored.clock),
    ...stored,
    overdraftLimit: stored.overdraftLimit == null ? null : toMinorUnits(stored.overdraftLimit),
    case: toCase(stored.case),
    amount: toMoney(stored.amount),
    returnedAmount: toMoney(stored.returnedAmount),
  } as SlipState;
  return { ...facts, status: statusOf(facts) };
}

function parseStored(text: string): Stored {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new InvariantError('a stored slip state is not JSON');
  }
  const stored = value as Stored | null;
  if (typeof stored?.slipId !== 'string' || typeof stored.clock !== 'string') {
    throw new InvariantError('a stored slip state names no slip');
  }
  return stored;
}

/** As long as a case had one reason only, none was listed; then nobody was assigned to one. */
function toCase(stored: SlipCase | null | undefined): SlipCase | null {
  if (!stored) return null;
  if (stored.reasons !== undefined) return { ...stored, ...laterFacts(stored) };
  const { reason, openedAt, status } = stored;
  const resolution = status === 'open' ? null : '';
  return caseOf([{ reason, summary: '', openedAt, closedAt: null, resolution }], null);
}

function laterFacts({
  assignee,
  escalatedAt,
}: Partial<SlipCase>): Pick<SlipCase, 'assignee' | 'escalatedAt'> {
  return { assignee: assignee ?? null, escalatedAt: escalatedAt ?? null };
}

function toMoney(stored: MoneyJson | null | undefined): Money | null {
  if (!stored) return null;
  return { amount: toMinorUnits(stored.amount), currency: stored.currency };
}

function toMinorUnits(stored: unknown): bigint {
  if (typeof stored !== 'string' || !/^-?[0-9]+$/.test(stored)) {
    throw new InvariantError('a stored slip state has no valid amount');
  }
  return BigInt(stored);
}
