import { setTimeout as sleep } from 'node:timers/promises';
import { hasEnded, readSlips, type Stack, submitSlip } from '@slipstream/local';
import { faultRules, type PlannedPayment } from './provider-faults.ts';
import type { TakenPayment } from './provider-truth.ts';

/** As many at once as a busy caller has under way. */
const inFlight = 20;

export async function setFaults(stack: Stack, start: Date, frozenMs: number): Promise<void> {
  const answer = await fetch(new URL('/v1/rules', stack.simulatorUrl), {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(faultRules({ start, frozenMs })),
    signal: AbortSignal.timeout(10_000),
  });
  if (!answer.ok) throw new Error(`the simulator refused the faults: ${await answer.text()}`);
}

export interface SubmitOptions {
  /** Evenly over so long, or as fast as they are taken. */
  readonly overMs?: number;
  /** Called after each, with how many were taken so far. */
  readonly onTaken?: (count: number) => void;
}

/** @throws Error when intake refuses one, or does not answer for a minute */
export async function submitAll(
  plan: readonly PlannedPayment[],
  stack: Stack,
  { overMs = 0, onTaken = () => {} }: SubmitOptions = {},
): Promise<TakenPayment[]> {
  const target = { intakeUrl: stack.env.INTAKE_URL!, token: stack.env.TOKEN_PUBLISHER! };
  const startMs = performance.now();
  const taken: TakenPayment[] = [];
  const signal = new AbortController().signal;
  let next = 0;
  const submit = async (): Promise<void> => {
    for (let place = next++; place < plan.length; place = next++) {
      const waitMs = startMs + (overMs * place) / plan.length - performance.now();
      if (waitMs > 0) await sleep(waitMs);
      const payment = plan[place]!;
      taken.push({ ...payment, id: await submitSlip(payment, target, signal) });
      onTaken(taken.length);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, submit));
  return taken;
}

/** Those that are neither at an end nor with an open case. */
export async function openSlips(stack: Stack, since: string, all: ReadonlySet<string>): Promise<string[]> {
  const shown = await readSlips(stack.env.LEDGER_URL!, stack.env.TOKEN_OPS!, since);
  const ended = new Set(shown.filter(hasEnded).map(({ id }) => id));
  return [...all].filter((id) => !ended.has(id));
}
