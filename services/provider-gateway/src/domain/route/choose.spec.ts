import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { dispatch, t0 } from '../dispatch/spec-support.ts';
import type { EarlierAttempt } from '../dispatch/state.ts';
import { type Candidate, choose, type Obstacle } from './choose.ts';

const acme: Candidate = { id: 'acme', priority: 1, weight: 1 };
const borealis: Candidate = { id: 'borealis', priority: 2, weight: 1 };
const cumulus: Candidate = { id: 'cumulus', priority: 2, weight: 3 };
const candidates = [acme, borealis, cumulus];
const none = () => null;
const only =
  (obstacles: Readonly<Record<string, Obstacle>>) =>
  (id: string): Obstacle | null =>
    obstacles[id] ?? null;
const due = dispatch();
const sent = (end: EarlierAttempt['end'], provider = 'acme'): EarlierAttempt => ({
  ...{ attempt: 1, provider, notAfter: t0, end, firstNotFoundAt: null },
});

describe('who is called next', () => {
  test('the lowest priority, with the reason', () => {
    expect(choose(due, { candidates, obstacle: none, random: 0 })).toEqual({
      provider: 'acme',
      choice: { reason: 'preferred', detail: 'Priority 1.' },
    });
  });

  test.each<[Obstacle, string]>([
    ['disabled', 'acme is disabled'],
    ['unhealthy', 'acme does not answer as it should'],
    ['not_configured', 'acme is not configured'],
  ])('not one that is %s', (obstacle, why) => {
    const chosen = choose(due, { candidates, obstacle: only({ acme: obstacle }), random: 0 });
    expect(chosen).toEqual({
      provider: 'borealis',
      choice: { reason: obstacle, detail: `Priority 2, weight 1 of 4; ${why}.` },
    });
  });

  test('among equals each as often as its weight says', () => {
    const at = (random: number) =>
      choose(due, { candidates, obstacle: only({ acme: 'disabled' }), random })?.provider;
    expect([0, 0.2499, 0.25, 0.9999].map(at)).toEqual(['borealis', 'borealis', 'cumulus', 'cumulus']);
  });

  test('after an attempt that was not sent one that was not tried, then the first again', () => {
    const once = dispatch({ attempt: 1, notAfter: t0 });
    const chosen = choose(once, { candidates: [acme, borealis], obstacle: none, random: 0 });
    expect(chosen).toMatchObject({ provider: 'borealis', choice: { reason: 'not_sent' } });
    const twice = dispatch({ attempt: 2, notAfter: t0, provider: 'borealis', earlier: [sent('not_sent')] });
    expect(choose(twice, { candidates: [acme, borealis], obstacle: none, random: 0 })).toMatchObject({
      provider: 'acme',
    });
  });

  test('never one that may have been sent it, though it is proved that it did not execute it', () => {
    const proved = dispatch({ attempt: 1, notAfter: t0, sentMaybe: true });
    const chosen = choose(proved, { candidates: [acme, borealis], obstacle: none, random: 0 });
    expect(chosen).toMatchObject({ provider: 'borealis', choice: { reason: 'not_executed' } });
    const on = dispatch({ attempt: 2, notAfter: t0, provider: 'borealis', earlier: [sent('unanswered')] });
    expect(choose(on, { candidates: [acme, borealis], obstacle: none, random: 0 })?.provider).toBe(
      'borealis',
    );
    expect(
      choose({ ...on, sentMaybe: true }, { candidates: [acme, borealis], obstacle: none, random: 0 }),
    ).toBeNull();
  });

  test('nobody, when there is no other or none can be called: it stays where it is', () => {
    expect(choose(due, { candidates: [acme], obstacle: none, random: 0 })).toBeNull();
    const obstacle = () => 'disabled' as const;
    expect(choose(due, { candidates, obstacle, random: 0 })).toBeNull();
  });
});

test('property: whoever is chosen can be called, was not sent it, and none that may be called comes before it', () => {
  const candidate = fc.record({
    id: fc.constantFrom('acme', 'borealis', 'cumulus', 'dorado'),
    priority: fc.integer({ min: 1, max: 3 }),
    weight: fc.integer({ min: 1, max: 5 }),
  });
  const list = fc.uniqueArray(candidate, { selector: ({ id }) => id, minLength: 2 });
  const closed = fc.subarray(['acme', 'borealis', 'cumulus', 'dorado']);
  const maybe = fc.subarray(['acme', 'borealis', 'cumulus', 'dorado']);
  fc.assert(
    fc.property(
      list,
      closed,
      maybe,
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (all, off, gone, random) => {
        const obstacle = (id: string) => (off.includes(id) ? ('disabled' as const) : null);
        const earlier = gone.map((id, index) => ({ ...sent('unanswered', id), attempt: index + 1 }));
        const state = dispatch({ earlier, attempt: gone.length });
        const open = all.filter(({ id }) => !off.includes(id) && !gone.includes(id));
        const chosen = choose(state, { candidates: all, obstacle, random });
        const priority = all.find(({ id }) => id === chosen?.provider)?.priority;
        expect(priority).toBe(open.length === 0 ? undefined : Math.min(...open.map((one) => one.priority)));
        if (chosen) expect(open.map(({ id }) => id)).toContain(chosen.provider);
      },
    ),
  );
});
