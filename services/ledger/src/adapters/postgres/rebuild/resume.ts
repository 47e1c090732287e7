import { backoffMs, SlipstreamError } from '@slipstream/kernel';
import { isTransient, type UnitOfWork } from '@slipstream/postgres';
import type { Projection } from './projection.ts';
import { lockShadow, schemaOf, shadowOf } from './rebuild.ts';

/** With waits of up to ten seconds: some three minutes, longer than a server takes to start or a standby to take over. */
const triesMax = 20;
const waits = { minMs: 200, maxMs: 10_000 };
/** SQLSTATE query_canceled: somebody wants it to end. */
const canceled = '57014';

/** Whether the connection, or the server, went away under it: the same again may go well. */
function isLost(error: unknown): boolean {
  return isTransient(error) && (error as { code?: unknown }).code !== canceled;
}

/**
 * For `onLost` of a rebuild: waits until the database is back, and takes the shadow's lock again, which went with the connection. The
 * server may not have noticed yet that its old holder is gone. @throws SlipstreamError unavailable
 */
export function resumeShadow(
  unitOfWork: UnitOfWork,
  projection: Projection,
  sleep: (ms: number) => Promise<unknown>,
): (error: unknown, shadow: string | null) => Promise<void> {
  return async (error, shadow) => {
    if (!isLost(error)) throw error;
    let last = error;
    for (let tries = 1; tries <= triesMax; tries++) {
      await sleep(backoffMs(tries, waits, Math.random()));
      try {
        await lockShadow(unitOfWork, projection);
        const found = await shadowOf(unitOfWork, projection);
        if (shadow === null || found === shadow) return;
      } catch (again) {
        last = again;
        if (isLost(again) || again instanceof SlipstreamError) continue;
        throw again;
      }
      throw given(`${schemaOf(projection)} was made anew by another rebuild meanwhile`, error);
    }
    throw given(`the connection was lost, and not found again: ${textOf(last)}`, error);
  };
}

const given = (why: string, cause: unknown) =>
  new SlipstreamError(
    'unavailable',
    `${why}; nothing but the shadow was touched: run it again, it begins anew`,
    {
      cause,
    },
  );

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
