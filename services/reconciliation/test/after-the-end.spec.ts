import { describe, expect, test } from '@jest/globals';
import type { SlipEvent } from '@slipstream/slip';
import { foldEvents } from '../src/application/fold-events.ts';
import { noBudget } from '../src/domain/repair/budget.ts';
import { MemoryStore } from './memory-store.ts';
import {
  acknowledged,
  at,
  doubted,
  held,
  intended,
  refused,
  returned,
  settled,
  storyMeans,
  submitted,
  told,
} from './story.ts';

/** A slip that has settled, so that nothing of it is kept. */
async function ended(clock = 'wall') {
  const store = new MemoryStore(at(20));
  let seconds = 0;
  const tell = (...events: readonly SlipEvent[]) =>
    foldEvents(
      store.unit(),
      3,
      events.map((event) => told(event, at(++seconds), { clock })),
      storyMeans,
      noBudget,
    );
  await tell(submitted(), held, intended(), returned(), settled);
  expect(store.slip('slip-1')).toBeUndefined();
  expect(store.published).toEqual([]);
  return { store, tell };
}
const opened = ({ published }: MemoryStore) =>
  published.map(({ event, partition, slipId }) => ({ ...event, partition, slipId }));

test.each<[string, SlipEvent]>([
  ['settled', settled],
  ['was refused', refused],
])(
  'of one that %s it says the same, whether a batch ends before it says so or behind that',
  async (_, end) => {
    const life = end === settled ? [submitted(), held, returned(), end] : [submitted(), end];
    const words = [returned({ amount: { amount: 7n, currency: 'EUR' } }), doubted()];
    const read = async (...batches: readonly (readonly SlipEvent[])[]) => {
      const store = new MemoryStore(at(20));
      let seconds = 0;
      for (const events of batches) {
        const recorded = events.map((event) => told(event, at(++seconds)));
        await foldEvents(store.unit(), 3, recorded, storyMeans, noBudget);
      }
      return { said: store.published.map(({ event }) => event), case: store.slip('slip-1')?.state.case };
    };
    const apart = await read(life, words);
    expect(apart.case?.reasons.map(({ reason }) => reason)).toEqual(['contradiction', 'word_unknown']);
    expect(await read([...life, ...words])).toEqual(apart);
    expect(await read([...life, words[0]!], words.slice(1))).toEqual(apart);
  },
);

describe('what a provider says of a slip that has settled', () => {
  test.each<[string, SlipEvent, string, string]>([
    [
      'that it failed',
      returned({ outcome: 'failed', reason: 'AC04' }),
      'contradiction',
      'After the slip had ended the provider says failed (AC04).',
    ],
    [
      'that it moved a second part',
      returned({ amount: { amount: 600n, currency: 'EUR' }, providerReference: 'p-2' }),
      'contradiction',
      'After the slip had ended the provider says succeeded with 6.00 EUR (reference p-2).',
    ],
    [
      'something that nobody understands',
      doubted(),
      'word_unknown',
      'The provider says MAYBE, a word that its protocol does not declare.',
    ],
  ])('%s, opens a case, and the slip is kept while it is open', async (_, said, reason, summary) => {
    const { store, tell } = await ended();
    await tell(said);
    expect(opened(store)).toEqual([
      { type: 'CaseOpened', data: { reason, summary }, partition: 3, slipId: 'slip-1' },
    ]);
    expect(store.slip('slip-1')).toMatchObject({ verdict: 'in_time', state: { settled: true } });
    await tell(said);
    expect(store.published).toHaveLength(1);
  });

  test('on an imported clock opens none: that is history', async () => {
    const { store, tell } = await ended('import-1');
    await tell(returned({ outcome: 'failed' }), doubted());
    expect(store.published).toEqual([]);
    expect(store.slip('slip-1')).toBeUndefined();
  });

  test('that it works on it, means nothing', async () => {
    const { store, tell } = await ended();
    await tell(acknowledged);
    expect(store.published).toEqual([]);
    expect(store.slip('slip-1')).toBeUndefined();
  });
});
