import { describe, expect, test } from '@jest/globals';
import { type CauseCode, causes, type Proof } from '@slipstream/slip';
import {
  acknowledged,
  answered,
  at,
  held,
  intended,
  refunded,
  refused,
  returned,
  Story,
  submitted,
  told,
  unanswered,
} from '../../../test/story.ts';
import { causeOf } from './causes.ts';
import { proofOf } from './remedy.ts';

const codes = Object.keys(causes) as CauseCode[];
const proofs: readonly Proof[] = ['executed', 'not_executed', 'unknown'];
const pairs = codes.flatMap((code) => proofs.map((proof) => [code, proof] as const));

describe('the remedy', () => {
  test.each(pairs)('of %s, %s, advises to submit again only with the proof', (code, proof) => {
    const { remedy } = causeOf(code, proof, 50, []);
    expect(/submit(ted)? again/.test(remedy)).toBe(proof === 'not_executed');
    expect(remedy.startsWith('Do not repeat the order')).toBe(proof !== 'not_executed');
    expect(remedy).not.toMatch(/nothing is to be done/i);
    expect(remedy).toMatch(/^[A-Z].*\.$/);
  });
});

describe('the proof', () => {
  const sent = () => new Story(told(submitted(), at(0)), told(held, at(1)), told(intended(), at(2)));
  const asked = (...events: Parameters<typeof told>[0][]) =>
    sent()
      .judge(at(10.1))
      .tell(...events.map((event, index) => told(event, at(11 + index))));
  test.each<[string, Story, Proof]>([
    ['is missing after silence', asked(unanswered()), 'unknown'],
    ['is missing while the provider works on it', asked(acknowledged, answered(1, 'pending')), 'unknown'],
    ['is missing when one NOT_FOUND was heard', asked(unanswered(), answered(1, 'not_found')), 'unknown'],
    ['is there by rule 3', asked(unanswered(), answered(1, 'not_found', true)), 'not_executed'],
    ['is there when it was rejected', asked(returned({ outcome: 'failed' })), 'not_executed'],
    [
      'is there when it was refused here',
      new Story(told(submitted(), at(0)), told(refused, at(1))),
      'not_executed',
    ],
    ['is the contrary after a success', asked(returned()), 'executed'],
    [
      'is the contrary when a success followed rule 3’s proof',
      asked(unanswered(), answered(1, 'not_found', true), refunded, returned()),
      'executed',
    ],
    ['is missing when the provider said both', asked(returned({ outcome: 'failed' }), returned()), 'unknown'],
  ])('%s', (_, story, proof) => {
    expect(proofOf(story.slip.state)).toBe(proof);
  });
});
