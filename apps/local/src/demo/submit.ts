import type { PlannedSlip } from './plan.ts';

const attemptTimeoutMs = 5_000;
const retryMs = 250;
const giveUpMs = 60_000;

/** What is told to intake of a slip. */
export type NewSlip = Omit<PlannedSlip, 'atMs'>;

export interface SubmitTarget {
  readonly intakeUrl: string;
  readonly token: string;
}

/**
 * Submits one slip as a careful client does: the same Idempotency-Key until there is an answer, so a service that
 * dies in the middle neither loses nor doubles it. @returns the slip's id; throws on a refusal
 */
export async function submitSlip(
  { reference, kind, account, counterparty, amount, route }: NewSlip,
  target: SubmitTarget,
  signal: AbortSignal,
): Promise<string> {
  const body = { reference, kind, account, counterparty, amount, route };
  const until = performance.now() + giveUpMs;
  for (;;) {
    const response = await post(body, reference, target, signal);
    if (response?.status === 202) return ((await response.json()) as { id: string }).id;
    if (response && response.status < 500 && response.status !== 409 && response.status !== 429) {
      throw new Error(`intake refused ${reference}: ${response.status} ${await response.text()}`);
    }
    if (performance.now() > until)
      throw new Error(`intake gave no answer about ${reference} in ${giveUpMs} ms`);
    await pause(retryMs, signal);
  }
}

async function post(
  body: object,
  key: string,
  target: SubmitTarget,
  signal: AbortSignal,
): Promise<Response | null> {
  try {
    return await fetch(`${target.intakeUrl}/v1/slips`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${target.token}`,
        'content-type': 'application/json',
        'idempotency-key': `"${key}"`,
      },
      body: JSON.stringify(body),
      signal: AbortSignal.any([signal, AbortSignal.timeout(attemptTimeoutMs)]),
    });
  } catch (error) {
    if (signal.aborted) throw error;
    return null;
  }
}

/** Waits, and rejects at once when the feed is stopped. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    }, ms);
    const onAbort = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
}
