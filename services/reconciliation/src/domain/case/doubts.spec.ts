import { describe, expect, test } from '@jest/globals';
import type { SlipEvent } from '@slipstream/slip';
import {
  acknowledged,
  answered,
  at,
  doubted,
  held,
  intended,
  progressed,
  refunded,
  returned,
  Story,
  settled,
  submitted,
  told,
  unanswered,
} from '../../../test/story.ts';
import { placeOf } from '../watch/watched-slip.ts';

const sent = () => new Story(told(submitted(), at(0)), told(held, at(1)), told(intended(), at(2)));
const euros = (amount: bigint, providerReference: string | null = null) => ({
  ...{ amount: { amount, currency: 'EUR' }, providerReference },
});
/** Reasons of the case, with what resolved them. */
const reasonsOf = ({ slip }: Story) =>
  Object.fromEntries(slip.state.case?.reasons.map(({ reason, resolution }) => [reason, resolution]) ?? []);
const summaryOf = ({ decided }: Story) =>
  decided.flatMap(({ event }) => (event.type === 'CaseOpened' ? event.data.summary : []));

describe('an answer against an earlier one opens a case', () => {
  test.each<[string, SlipEvent, string]>([
    [
      'a failure after a success',
      returned({ outcome: 'failed', reason: 'AC04' }),
      'After it had said succeeded with 12.50 EUR, the provider says failed (AC04).',
    ],
    [
      'a second part',
      returned(euros(600n, 'p-2')),
      'After it had said succeeded with 12.50 EUR, the provider says succeeded with 6.00 EUR (reference p-2).',
    ],
    [
      'the same once more under another reference',
      returned(euros(1250n, 'p-2')),
      'After it had said succeeded with 12.50 EUR, the provider says succeeded with 12.50 EUR (reference p-2).',
    ],
  ])('%s', (_, second, summary) => {
    const story = sent().tell(told(returned(euros(1250n, 'p-1')), at(3)), told(second, at(4)));
    expect(reasonsOf(story)).toEqual({ contradiction: null });
    expect(summaryOf(story)).toEqual([summary]);
    expect(story.slip.state.cause).toBeNull();
    story.tell(told(second, at(5)), told(settled, at(6)));
    expect(story.types()).toEqual(['CaseOpened']);
    expect(placeOf(story.slip)).toBe('archived');
  });

  test('but not the same again, nor a void after a failure: neither moves money', () => {
    const story = sent().tell(told(returned({ outcome: 'failed' }), at(3)), told(refunded, at(4)));
    story.tell(told(returned({ outcome: 'void' }), at(5)), told(returned({ outcome: 'failed' }), at(6)));
    expect(reasonsOf(story)).toEqual({});
    expect(story.slip.state.cause?.remedy).toContain('may be submitted again');
  });

  test('and a success after the refund has a reason of its own', () => {
    const story = sent().tell(told(returned({ outcome: 'failed' }), at(3)), told(refunded, at(4)));
    story.tell(told(returned(), at(5)));
    expect(reasonsOf(story)).toEqual({ late_success_after_refund: null });
  });
});

describe('a word that settles nothing opens a case', () => {
  test.each([
    [
      'word_unknown',
      'MAYBE',
      'The provider says MAYBE, a word that its protocol does not declare. The slip asked for 12.50 EUR.',
    ],
    [
      'amount_unreadable',
      '12.5',
      'The provider says that it executed the slip, with an amount that cannot be read: 12.5. The slip asked for 12.50 EUR.',
    ],
  ] as const)('%s, until an answer comes', (doubt, said, summary) => {
    const story = sent().tell(told(doubted(doubt, said), at(3)), told(doubted(doubt, 'other'), at(4)));
    expect(summaryOf(story)).toEqual([summary]);
    expect(placeOf(story.slip)).toBe('watched');
    story.tell(told(returned(), at(5)));
    expect(reasonsOf(story)).toEqual({ [doubt]: 'returned' });
  });

  test('of a reference that two slips share only people can tell which slip is meant', () => {
    const story = sent().tell(told(doubted('reference_shared', 'p-1, which names slip-2'), at(3)));
    story.tell(told(returned(), at(4)), told(settled, at(5)));
    expect(summaryOf(story)).toEqual([
      'The provider names it as it names another slip: p-1, which names slip-2. The slip asked for 12.50 EUR.',
    ]);
    expect(reasonsOf(story)).toEqual({ reference_shared: null });
  });

  test('and is what is known when nothing else is answered', () => {
    const story = sent().tell(told(doubted(), at(3)));
    story.judge(at(10.1)).stepUntil(at(22.1));
    story.tell(told(answered(5, 'unclear'), at(22.4)));
    story.stepUntil(at(22.4));
    expect(story.slip.state.cause?.code).toBe('garbage_answer');
    expect(reasonsOf(story)).toEqual({ word_unknown: null, inquiry_exhausted: null });
    expect(summaryOf(story).at(-1)).toBe(
      'Every inquiry was asked, and it is still not known whether the provider executed the slip over 12.50 EUR.',
    );
  });
});

describe('a proof before the deadline', () => {
  const proved = () => sent().tell(told(unanswered(), at(3)), told(answered(0, 'not_found', true), at(6)));

  test('gives the money back at once, and the verdict comes all the same', () => {
    const story = proved();
    expect(story.types()).toEqual(['SlipNotReturned', 'SlipDiagnosed', 'RefundRequested']);
    story.tell(told(refunded, at(6.1)));
    expect(story.slip.verdict).toBe('open');
    expect(placeOf(story.slip)).toBe('watched');
    story.judge(at(10.1));
    expect(story.types().slice(3)).toEqual(['SlipOverdue', 'SlipDiagnosed']);
    expect(story.slip.state.status).toBe('refunded');
    expect(placeOf(story.slip)).toBe('archived');
  });

  test('concludes once', () => {
    expect(
      proved()
        .tell(told(answered(0, 'not_found', true), at(7)))
        .types(),
    ).toHaveLength(3);
  });

  test.each([
    ['an acknowledgement', acknowledged],
    ['a step', progressed],
  ])('and %s all the same is a case until the provider says how it ended', (_, event) => {
    const story = proved().tell(told(refunded, at(6.1)), told(event, at(7)), told(event, at(8)));
    expect(reasonsOf(story)).toEqual({ taken_after_denial: null });
    expect(summaryOf(story)).toEqual([
      'It was proved that the provider had not executed the slip over 12.50 EUR, and now it says that it has taken it: it may execute it yet.',
    ]);
    story.tell(told(returned({ outcome: 'failed' }), at(9)));
    expect(reasonsOf(story)).toEqual({ taken_after_denial: 'returned' });
    story.tell(told(returned(), at(10)));
    expect(reasonsOf(story)).toEqual({ taken_after_denial: 'returned', late_success_after_refund: null });
  });

  test('and a success all the same is a case', () => {
    const story = proved().tell(told(refunded, at(6.1)), told(returned(), at(7)));
    expect(reasonsOf(story)).toEqual({ late_success_after_refund: null });
  });
});
