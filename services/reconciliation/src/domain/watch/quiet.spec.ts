import { describe, expect, test } from '@jest/globals';
import { isLive, type SlipEvent } from '@slipstream/slip';
import fc from 'fast-check';
import {
  acknowledged,
  approved,
  at,
  deadline,
  held,
  intended,
  notSent,
  progressed,
  returned,
  settled,
  submitted,
  told,
  unanswered,
} from '../../../test/story.ts';
import { decide } from '../repair/decide.ts';
import { quietness } from './quiet.ts';
import { fold, placeOf, watch } from './watched-slip.ts';

const noted: readonly SlipEvent[] = [held, intended(), notSent(), unanswered(), acknowledged, progressed];
const answer = fc.constantFrom(returned(), returned({ amount: { amount: 1250n, currency: 'EUR' } }));

describe('a quiet event', () => {
  test('asks for no decision, in whatever order it comes', () => {
    const events = fc.array(fc.constantFrom(...noted), { maxLength: 8 });
    fc.assert(
      fc.property(events, answer, events, (before, answered, after) => {
        let slip = watch(0, told(submitted(), at(0)))!;
        for (const [index, event] of [...before, answered, ...after].entries()) {
          expect(['holds', 'follows', 'returns']).toContain(quietness[event.type]);
          const recorded = { ...told(event, at(1 + index * 0.1)), id: `e-${index}` };
          slip = fold(slip, recorded);
          expect(decide(slip, { type: 'event', event }, at(2), [])).toEqual({ events: [], nextStep: null });
        }
        expect(slip.verdict).toBe('in_time');
        expect(placeOf(fold(slip, told(settled, at(9))))).toBe('forgotten');
      }),
    );
  });

  test('that ends a review moves the deadline and asks for no decision', () => {
    const slip = watch(0, told(submitted({ reviewRequired: true }), at(0)))!;
    const event = approved(at(20));
    expect(quietness[event.type]).toBe('approves');
    const then = fold(slip, told(event, at(1)));
    expect(then).toMatchObject({ verdict: 'open', state: { deadline: at(20) } });
    expect(decide(then, { type: 'event', event }, at(2), [])).toEqual({ events: [], nextStep: null });
  });

  test('keeps a slip open that has not returned, and its deadline its own', () => {
    let slip = watch(0, told(submitted(), at(0)))!;
    for (const event of noted) slip = fold(slip, told(event, at(1)));
    expect(slip.verdict).toBe('open');
    expect(slip.state.deadline).toBe(deadline);
    expect(isLive(slip.state.clock)).toBe(true);
  });
});
