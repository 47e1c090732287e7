import { instantFromMs } from '@slipstream/kernel';
import { MemoryStore } from './memory-store.ts';
import { describeUnit } from './unit-suite.ts';

describeUnit('the unit in memory', async () => {
  const store = new MemoryStore(instantFromMs(Date.now()));
  return {
    lookout: store.lookout(),
    inUnit: (work) => work(store.unit()),
    park: async (_, slipId) => store.park(slipId),
  };
});
