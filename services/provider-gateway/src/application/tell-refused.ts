import { addMs, type Instant } from '@slipstream/kernel';
import { secretDiffers } from '@slipstream/slip';
import { pending } from '../domain/dispatch/state.ts';
import type { StoreTx } from './ports.ts';

/** A call began at the most so long before nothing of it was sent any more. */
const callBeginsMs = 10_000;

/** From when callbacks about a call may have come. */
export const calledAt = (notAfter: Instant): Instant => addMs(notAfter, -callBeginsMs);

/**
 * Tells each slip of the last hour about which callbacks were refused, once, when what was refused since its call shows that it is our secret:
 * when the first of them were asked about, nothing showed that yet.
 */
export async function tellRefused(tx: StoreTx, providers: readonly string[]): Promise<void> {
  const named = await tx.callbackCounts.untoldSlips(providers);
  if (named.length === 0) return;
  const { rows } = await tx.dispatches.lock([...new Set(named.map(({ slipId }) => slipId))].toSorted());
  // Another instance may have told them before it let them go.
  const untold = await tx.callbackCounts.untoldSlips(providers);
  const called = untold.flatMap(({ slipId, provider }) => {
    const notAfter = rows.get(slipId)?.notAfter ?? null;
    return notAfter === null ? [] : [{ slipId, provider, calledAt: calledAt(notAfter) }];
  });
  const beside = await tx.callbackCounts.beside(called);
  const shown = called.flatMap(({ slipId, provider }) => {
    const callbacksRefused = beside.get(slipId);
    return callbacksRefused && secretDiffers(callbacksRefused)
      ? [{ slipId, provider, callbacksRefused }]
      : [];
  });
  if (shown.length === 0) return;
  await tx.callbackCounts.slipsTold(
    providers,
    shown.map(({ slipId }) => slipId),
  );
  tx.publish(
    shown.map(({ slipId, ...data }) => pending(rows.get(slipId)!, { type: 'CallbackRefused', data })),
  );
}
