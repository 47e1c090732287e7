import { describe, expect, test } from '@jest/globals';
import { instantToMs } from '@slipstream/kernel';
import type { SlipEvent } from '@slipstream/slip';
import {
  at,
  deadline,
  held,
  intended,
  notSent,
  returned,
  submitted,
  told,
  unanswered,
} from '../../../test/story.ts';
import { fold, watch } from '../watch/watched-slip.ts';
import { flightOf } from './flight.ts';

/** What each event after SlipSubmitted says, a second apart. */
function flights(events: readonly SlipEvent[], clock = 'wall') {
  let slip = watch(0, told(submitted(), at(0), { clock }))!;
  return events.flatMap((event, i) => {
    const recorded = told(event, at(i + 1), { clock });
    const before = slip.state;
    slip = fold(slip, recorded);
    return flightOf(before, slip.state, recorded) ?? [];
  });
}

const flight = {
  provider: 'acme',
  route: 'default',
  due: instantToMs(deadline),
  amount: 1250,
  currency: 'EUR',
};

describe('the way to the provider and back', () => {
  test('begins with the first call and ends with the outcome, whichever it is', () => {
    for (const outcome of ['succeeded', 'failed'] as const)
      expect(flights([held, intended(), unanswered(), returned({ outcome }), returned({ outcome })])).toEqual(
        [
          { ...flight, kind: 'dispatched', at: instantToMs(at(2)), dispatchedAt: instantToMs(at(2)) },
          { ...flight, kind: 'returned', at: instantToMs(at(4)), dispatchedAt: instantToMs(at(2)) },
        ],
      );
  });

  test('never was when nothing left, and begins anew with the next call', () => {
    const kinds = flights([held, intended(), notSent(), intended(2), returned()]).map(({ kind }) => kind);
    expect(kinds).toEqual(['dispatched', 'withdrawn', 'dispatched', 'returned']);
  });

  test('goes on when a call may have left, though a later one did not', () => {
    const kinds = flights([held, intended(), unanswered(), intended(2), notSent('x', 2)]).map(
      ({ kind }) => kind,
    );
    expect(kinds).toEqual(['dispatched']);
  });

  test('is followed of live slips that somebody is called about, alone', () => {
    expect(flights([held, intended(), returned()], 'import-1')).toEqual([]);
    expect(flights([held, returned()])).toEqual([]);
  });
});
