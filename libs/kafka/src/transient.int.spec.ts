import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { sharedEnvironment } from '@slipstream/environment';
import { type MemoryStore, StoreError } from './test-support/memory-store.ts';
import { Rig, until } from './test-support/rig.ts';

const environment = sharedEnvironment();
let rig: Rig;

beforeEach(() => {
  rig = new Rig(environment().kafkaBrokers);
});
afterEach(() => rig.stop());

const reached = (store: MemoryStore) => store.stored(rig.group, rig.topic, 0).nextOffset;
const transient = () => new StoreError('transient', 'the database is away');

describe('a transient error', () => {
  it('pauses its partition only, and dead-letters nothing', async () => {
    await rig.start(2);
    const store = (await rig.member()).store;
    let away = true;
    store.before = ({ partition }) => {
      if (away && partition === 0) throw transient();
    };
    await rig.events(0, 50);
    await rig.events(1, 50);
    await until(() => store.effects.length === 50, 'the other partition flowed');
    await rig.events(1, 50);
    await until(() => store.effects.length === 100, 'the other partition still flows');
    expect(store.effects.every((effect) => effect.startsWith('1:'))).toBe(true);
    away = false;
    await until(() => store.effects.length === 150, 'the paused partition came back');
    expect(store.effects.slice(100)).toEqual(rig.allOnce(1, 50));
    expect(store.deadLetters).toEqual([]);
  });

  it('whose transaction was committed all the same doubles nothing', async () => {
    await rig.start();
    const { store } = await rig.member({ options: { batchRecordsMax: 10 } });
    let lost = 0;
    store.after = () => {
      if (lost++ % 2 === 0) throw transient();
    };
    await rig.events(0, 30);
    await until(() => reached(store) === 30, 'all handled');
    expect(store.effects).toEqual(rig.allOnce(1, 30));
    expect(lost).toBeGreaterThan(2);
  });

  it('of a claim shows in health until the claim goes well, though no record comes', async () => {
    await rig.start();
    const { consumer, store } = await rig.member();
    await rig.events(0, 3);
    await until(() => store.effects.length === 3, 'all handled');
    const claim = store.claim.bind(store);
    store.claim = async () => {
      throw transient();
    };
    consumer.claimAnew();
    await until(() => !consumer.health().ok, 'health told');
    store.claim = claim;
    await until(() => consumer.health().ok, 'recovery');
    expect(store.effects.length).toBe(3);
  });

  it('shows in health while it lasts, and the partition is not trusted meanwhile', async () => {
    await rig.start();
    const { consumer, store } = await rig.member();
    store.before = () => {
      throw transient();
    };
    await rig.events(0, 3);
    await until(() => !consumer.health().ok, 'health told');
    expect(consumer.health().problems.join()).toMatch(/partition 0 waiting: Error: the database is away/);
    store.before = () => {};
    await until(() => consumer.health().ok && store.effects.length === 3, 'recovery');
  });

  it('while claiming is waited out', async () => {
    await rig.start();
    await rig.events(0, 3);
    const { store } = await rig.member();
    const claim = store.claim.bind(store);
    let failures = 3;
    store.claim = async (...args) => {
      if (failures-- > 0) throw transient();
      return claim(...args);
    };
    await rig.member();
    await rig.events(0, 3);
    await until(() => store.effects.length === 6, 'all handled');
    expect(store.effects).toEqual(rig.allOnce(1, 6));
  });
});
