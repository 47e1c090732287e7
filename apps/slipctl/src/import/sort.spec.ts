import { existsSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ExternalSort } from './sort.ts';
import { collect } from './spec-support.ts';

interface Item {
  readonly key: number;
  readonly id: number;
  readonly text: string;
}

const byKey = (a: Item, b: Item) => a.key - b.key;

async function sortAll(items: readonly Item[], runItemsMax: number, fanInMax: number) {
  const sort = new ExternalSort<Item>({ compare: byKey, runItemsMax, fanInMax });
  try {
    for (const item of items) await sort.add(item);
    const { runs } = sort;
    return {
      runs,
      first: await collect(sort.sorted()),
      second: await collect(sort.sorted()),
    };
  } finally {
    sort.dispose();
  }
}

const folders = () => readdirSync(tmpdir()).filter((name) => name.startsWith('slipctl-'));

describe('the external sort', () => {
  it('gives any items in order, equal ones as they came, with no more in memory than a run', async () => {
    const items = fc
      .array(fc.record({ key: fc.integer({ min: 0, max: 9 }), text: fc.string({ unit: 'binary' }) }))
      .map((all) => all.map((item, id) => ({ ...item, id })));
    const sizes = fc.integer({ min: 1, max: 7 });
    await fc.assert(
      fc.asyncProperty(items, sizes, fc.integer({ min: 2, max: 4 }), async (all, runItemsMax, fanInMax) => {
        const { runs, first, second } = await sortAll(all, runItemsMax, fanInMax);
        expect(first).toEqual(all.toSorted(byKey));
        expect(second).toEqual(first);
        expect(runs).toBe(Math.floor(all.length / runItemsMax));
      }),
      { numRuns: 60 },
    );
  });

  it('leaves nothing behind, also when reading stops early', async () => {
    const before = folders();
    const sort = new ExternalSort<Item>({ compare: byKey, runItemsMax: 10 });
    for (let id = 0; id < 95; id++) await sort.add({ key: -id, id, text: 'x\u2028y' });
    expect(sort.runs).toBe(9);
    const [folder] = folders().filter((name) => !before.includes(name));
    expect(folder).toBeDefined();
    for await (const item of sort.sorted()) {
      if (item.id < 90) break;
    }
    sort.dispose();
    expect(existsSync(`${tmpdir()}/${folder}`)).toBe(false);
  });
});
