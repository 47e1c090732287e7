import { describe, expect, test } from '@jest/globals';
import {
  answered,
  at,
  held,
  intended,
  refunded,
  Story,
  submitted,
  told,
  unanswered,
} from '../../../test/story.ts';
import { bulksOf, type Withheld } from './bulks.ts';
import { ownSide } from './decide.ts';
import { missedSlip } from './missed.ts';

const minute = 60_000;
/** Withheld from one minute to another, of slips that were submitted from one slot to another. */
const withheld = (first: number, last: number, from: number, until: number): Withheld => ({
  ...{ first: first * minute, last: last * minute, from, until },
});

describe('what is withheld', () => {
  test.each<[string, Withheld[], [number, number][]]>([
    ['nothing is no bulk', [], []],
    ['within ten minutes is one', [withheld(0, 1, 5, 9), withheld(11, 11, 7, 40)], [[5, 40]]],
    ['far apart in time of submission is one', [withheld(0, 0, 500, 900), withheld(1, 1, 5, 6)], [[5, 900]]],
    [
      'later is another',
      [withheld(12, 12, 30, 40), withheld(0, 1, 5, 9)],
      [
        [5, 9],
        [30, 40],
      ],
    ],
    [
      'goes on as long as no ten minutes are without',
      [withheld(0, 9, 1, 2), withheld(18, 19, 3, 4), withheld(29, 29, 5, 6), withheld(40, 40, 7, 8)],
      [
        [1, 6],
        [7, 8],
      ],
    ],
  ])('%s', (_, given, expected) => {
    expect(bulksOf(given).map(({ from, until }) => [from, until])).toEqual(expected);
  });

  test('is of an incident before its deadline has passed, and stays when it is released', () => {
    const interrupted = [
      ...[told(held, at(1)), told(intended(), at(2)), told(unanswered('restart'), at(5))],
      told(answered(0, 'not_found', true), at(6)),
    ];
    const story = new Story(told(submitted(), at(0)));
    expect(missedSlip(story.slip)).toBeNull();
    story.within({ take: ({ isOwnTrouble }) => (isOwnTrouble ? 'own_trouble' : null) }).tell(...interrupted);
    const waits = { side: ownSide, at: at(0), fate: 'open', hasOpenCase: true, withheldAt: at(6) };
    expect(missedSlip(story.slip)).toMatchObject(waits);
    story.tell(told(refunded, at(8)));
    expect(missedSlip(story.slip)).toMatchObject({ ...waits, fate: 'refunded', hasOpenCase: false });
  });

  test('for the budget alone is no trouble of ours', () => {
    const story = new Story(told(submitted(), at(0))).within({ take: () => 'repair_budget' });
    story.tell(told(held, at(1)), told(answered(0, 'never_sent', true, 'ourselves'), at(6)));
    expect(story.types()).toContain('CaseOpened');
    expect(missedSlip(story.slip)).toBeNull();
  });
});
