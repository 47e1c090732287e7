import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { repositoryRoot } from '@slipstream/environment';

const { default: LongestFirst, longest } = (await import('../longest-first.mjs' as string)) as {
  default: new (options: object) => { sort<T extends { path: string }>(tests: readonly T[]): T[] };
  longest: readonly string[];
};

const at = (name: string) => ({ path: join(repositoryRoot, name) });

test('the files that take longest begin first, and of the others the large ones', () => {
  const order = new LongestFirst({ globalConfig: { rootDir: repositoryRoot } });
  const [longer, long] = longest;
  const [large, small] = ['tools/ci/src/steps.ts', 'tools/ci/package.json'];
  expect(order.sort([small, long, large, longer].map((name) => at(name!)))).toEqual(
    [longer, long, large, small].map((name) => at(name!)),
  );
});

test('each of them is there, once', () => {
  expect(longest.filter((name) => !existsSync(at(name).path))).toEqual([]);
  expect(new Set(longest).size).toBe(longest.length);
});
