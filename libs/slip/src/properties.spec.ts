import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { evolve } from './evolve.ts';
import { iso20022 } from './iso20022.ts';
import { parseState, serializeState } from './serialize.ts';
import * as e from './specification/events.ts';
import { fold, recorded } from './specification/given.ts';
import { anomaliesMax, type SlipState, slipStatuses } from './state.ts';

/** Before and after the deadline, so that every verdict can fall both ways. */
const receivedTime = fc.constantFrom('2026-11-22T10:00:30.000000Z', '2026-11-22T10:06:00.000000Z');
const step = fc.record({ event: fc.constantFrom(...e.samples), receivedTime, id: fc.nat(30) });
const anyLog = fc
  .array(step, { maxLength: 40 })
  .map((steps) => steps.map(({ event, ...rest }, n) => recorded(event, n, { ...rest, id: `e${rest.id}` })));
const numRuns = 2000;

describe('evolve', () => {
  it('takes any events in any order: no throw, every record counted, anomalies bounded', () => {
    fc.assert(
      fc.property(anyLog, (log) => {
        const state = fold(log);
        if (state === null) return;
        expect(slipStatuses).toContain(state.status);
        expect(state.anomalies.length).toBe(Math.min(state.anomalyCount, anomaliesMax));
        expect(state.version).toBe(log.filter((record, n) => record.id !== log[n - 1]?.id).length);
        expect(iso20022(state).status).toMatch(/^[A-Z]{4}$/);
      }),
      { numRuns },
    );
  });

  it('never changes the state it was given', () => {
    fc.assert(
      fc.property(anyLog, (log) => {
        log.reduce<SlipState | null>((state, record) => evolve(deepFreeze(state), record), null);
      }),
    );
  });

  it('survives being stored between any two events', () => {
    fc.assert(
      fc.property(anyLog, (log) => {
        const stored = log.reduce<SlipState | null>(
          (state, record) => parseState(serializeState(evolve(state, record))),
          null,
        );
        expect(stored).toEqual(fold(log));
      }),
    );
  });
});

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) for (const part of Object.values(value)) deepFreeze(part);
  return Object.freeze(value);
}
