import { describeConsumerStore } from './test-support/consumer-store-suite.ts';
import { MemoryStore, type MemoryTx } from './test-support/memory-store.ts';

describeConsumerStore<MemoryTx>('the twin in memory', () => {
  const store = new MemoryStore();
  return {
    store,
    write: async (tx, effect) => void tx.effects.push(effect),
    effects: async () => store.effects,
    letters: async () => store.deadLetters.map(({ reason }) => reason),
  };
});
