import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { type SeededRandom, seededRandom } from '@slipstream/kernel';
import { circuitWindow } from '@slipstream/rules';
import { watched } from '../../services/provider-gateway/src/adapters/calls/circuits.ts';
import type { PreparedCall, Provider } from '../../services/provider-gateway/src/application/ports.ts';
import type { CallOutcome } from '../../services/provider-gateway/src/domain/provider/answer.ts';
import {
  circuitOver,
  type LoggedCall,
} from '../../services/reconciliation/src/application/backtest/circuit.ts';

beforeEach(() => void jest.useFakeTimers({ now: 0 }));
afterEach(() => void jest.useRealTimers());

const seed = Number(process.env.SEED ?? 20261127);
console.log(`seed ${seed}`);

const acknowledged: CallOutcome = {
  kind: 'answered',
  answer: { kind: 'acknowledged', providerReference: null, providerTime: null },
};
const failures: readonly CallOutcome[] = [
  { kind: 'unanswered', reason: 'timeout', detail: '' },
  { kind: 'not_sent', reason: 'connection_refused', detail: '' },
];
const stepMs = 5;

/** A provider that is away now and then, called all the time: how the gateway's own circuit fared, and what a log would say of it. */
async function live(random: SeededRandom, openMs: number, lengthMs: number) {
  let isAway = false;
  const provider = {
    id: 'acme',
    capabilities: { answerTimeoutMs: 1_000, concurrencyMax: 8, circuitOpenMs: openMs },
    send: async () => {
      // Calls begin at odd steps and end at even ones: no two things that matter happen at once.
      await new Promise((resolve) => setTimeout(resolve, (random.integer(1, 60) * 2 + 1) * stepMs));
      const fails = isAway ? random.chance(0.95) : random.chance(0.03);
      const outcome = fails ? failures[random.integer(0, 1)]! : acknowledged;
      return { outcome, released: Promise.resolve() };
    },
    cancel: null,
    statements: null,
    probe: null,
  } as unknown as Provider;
  const { providers, circuits } = watched(new Map([['acme', provider]]), {
    monotonicMs: () => Date.now(),
    onCall: () => {},
    onUnderWay: () => {},
    onHealth: async () => true,
  });
  const log: LoggedCall[] = [];
  const beganMs = Date.now();
  const call = async () => {
    const startMs = Date.now() - beganMs;
    const { outcome } = await providers.get('acme')!.send({} as PreparedCall, 0);
    const isRefused = outcome.kind === 'not_sent' && outcome.reason === 'circuit_open';
    const end = isRefused ? 'refused' : outcome.kind === 'answered' ? 'answered' : 'failed';
    log.push({ startMs, endMs: Date.now() - beganMs, end });
  };
  const seen = { opened: 0, openMs: 0, refused: 0 };
  const stateOf = () => circuits.view('acme').state;
  let before = stateOf();
  let trials = false;
  for (let atMs = 0; atMs < lengthMs; atMs += stepMs) {
    if (random.chance(0.000_5)) isAway = !isAway;
    const isCall = (atMs / stepMs) % 2 === 1 && random.chance(0.2);
    // Nobody is sent while one tries it again, as the slots have it.
    if (before === 'closed') trials = false;
    if (isCall && (!trials || circuits.allowed('acme', 8) > 0)) {
      trials ||= before === 'half_open';
      void call();
    }
    if (before !== 'closed') seen.openMs += stepMs;
    await jest.advanceTimersByTimeAsync(stepMs);
    const now = stateOf();
    if (now === 'open' && before !== 'open') {
      seen.opened += 1;
      trials = false;
    }
    before = now;
  }
  await jest.advanceTimersByTimeAsync(10_000);
  seen.refused = log.filter(({ end }) => end === 'refused').length;
  return { log: log.sort((a, b) => a.startMs - b.startMs), seen };
}

test('a backtest of the rules as they were finds what the circuit of the gateway did, to the millisecond', async () => {
  const random = seededRandom(seed);
  const lengthMs = 40_000;
  let opened = 0;
  for (let n = 0; n < 6; n++) {
    const openMs = 250 * random.integer(1, 8);
    const { log, seen } = await live(random, openMs, lengthMs);
    const { refusedMade, assumed, ...found } = circuitOver(log, circuitWindow, openMs, lengthMs);
    expect([n, openMs, found]).toEqual([n, openMs, seen]);
    expect([refusedMade, assumed]).toEqual([0, 0]);
    opened += seen.opened;
  }
  // Else it says nothing.
  expect(opened).toBeGreaterThan(20);
}, 60_000);
