import type { Dispatch } from '../domain/dispatch/state.ts';
import { misfit, type ReportedResult, refusal } from '../domain/result/reported-result.ts';
import { Changes } from './apply.ts';
import { applyParked, applyResult, referenceKey, setAside } from './apply-parked.ts';
import type { ClockMark, Count, StoreTx } from './ports.ts';

export interface ResultBatch {
  readonly results: readonly ReportedResult[];
  readonly marks: readonly ClockMark[];
}

/** A report that can never be taken, by its place in the batch: it belongs to the dead letters. */
export interface Refused {
  readonly index: number;
  readonly detail: string;
}

/**
 * Takes the results that other internal services reported, a batch in one transaction. A report whose slip is not
 * known or not held yet is parked in the same transaction and told once the hold is there.
 * @returns the reports that have to be refused; if any, nothing was written, and the transaction must be given up
 */
export async function receiveResults(
  tx: StoreTx,
  batch: ResultBatch,
  count: Count,
): Promise<readonly Refused[]> {
  const malformed = allRefused(batch.results, refusal);
  if (malformed.length > 0) return malformed;
  const rows = oldestByReference(await tx.dispatches.lockByReference(distinct(batch.results)));
  const wrong = allRefused(batch.results, (result) => {
    const dispatch = rows.get(referenceKey(result));
    return dispatch ? misfit(dispatch, result) : null;
  });
  if (wrong.length > 0) return wrong;
  const now = await tx.now();
  const changes = new Changes(new Map([...rows.values()].map((row) => [row.slipId, row])));
  // What came before about one that was refused lies aside.
  const ready = [...rows.values()].filter(({ status }) => status !== 'submitted' && status !== 'refused');
  await applyParked(tx, changes, ready, now, count);
  const parked: ReportedResult[] = [];
  const aside: ReportedResult[] = [];
  for (const result of batch.results) {
    const row = rows.get(referenceKey(result));
    const dispatch = row && changes.get(row.slipId);
    if (!dispatch || dispatch.status === 'submitted') parked.push(result);
    else if (!applyResult(changes, dispatch, result, { now, orphaned: false }, count)) aside.push(result);
  }
  await setAside(tx, aside);
  if (parked.length > 0) await tx.parked.add(parked);
  if (batch.marks.length > 0) await tx.clocks.advance(batch.marks);
  await changes.write(tx);
  return [];
}

function allRefused(
  results: readonly ReportedResult[],
  reason: (result: ReportedResult) => string | null,
): Refused[] {
  return results.flatMap((result, index) => {
    const detail = reason(result);
    return detail === null ? [] : [{ index, detail }];
  });
}

function distinct(results: readonly ReportedResult[]): ReportedResult[] {
  return [...new Map(results.map((result) => [referenceKey(result), result])).values()];
}

/** A reference names one slip per caller; should there ever be two, the first one submitted has it. */
function oldestByReference(dispatches: readonly Dispatch[]): Map<string, Dispatch> {
  const rows = new Map<string, Dispatch>();
  for (const dispatch of dispatches.toSorted((a, b) => (a.slipId < b.slipId ? -1 : 1))) {
    const key = referenceKey(dispatch);
    if (!rows.has(key)) rows.set(key, dispatch);
  }
  return rows;
}
