import { existsSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { expect, test } from '@jest/globals';
import { seededRandom } from '@slipstream/kernel';
import { ShareFile } from './share-file.ts';

const leftBehind = () => readdirSync(tmpdir()).filter((name) => name.startsWith('slipstream-shares-'));

test('gives each share what was put into it, in its order, however much that is', () => {
  const random = seededRandom(7);
  const before = leftBehind();
  const file = new ShareFile(7);
  try {
    const put = Array.from({ length: 7 }, (): string[] => []);
    // More than is held at once.
    for (let n = 0; n < 30_000; n++) {
      const share = random.integer(0, 6);
      const [key, value] = [`key-${n}`, `${n} `.repeat(random.integer(0, 200))];
      put[share]!.push(`${key} ${value}`);
      file.add(share, { key: Buffer.from(key), value: Buffer.from(value) });
    }
    expect(leftBehind().filter((name) => !before.includes(name) && existsSync(name))).toEqual([]);
    for (const share of [3, 0, 6, 1, 2, 4, 5]) {
      const found = [...file.records(share)].map(({ key, value }) => `${key} ${value}`);
      expect(found.length).toBe(put[share]!.length);
      expect(found.join('\n') === put[share]!.join('\n')).toBe(true);
    }
  } finally {
    file.close();
  }
});

test('keeps copies: what it was given may be written over', () => {
  const file = new ShareFile(1);
  const value = Buffer.from('as it was');
  file.add(0, { key: value, value });
  value.fill(0);
  expect([...file.records(0)].map(({ key }) => `${key}`)).toEqual(['as it was']);
  file.close();
});
