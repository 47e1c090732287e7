import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { type Mutation, mutate } from './mutation.ts';
import { mutations } from './mutations.ts';

const root = join(import.meta.dirname, '../..');
const read = (file: string) => readFileSync(join(root, file), 'utf8');

// A line that changes takes its mutation along: here it is seen without running any.
describe('the mutations', () => {
  test('have names of their own', () => {
    expect(new Set(mutations.map(({ name }) => name)).size).toBe(mutations.length);
  });

  test.each(mutations.map((one) => [one.name, one] as const))('%s fits the code', (_, mutation) => {
    expect(mutate(read(mutation.file), mutation)).not.toBe(read(mutation.file));
    for (const spec of mutation.specs) {
      expect(spec).toMatch(/\.spec\.ts$/);
      expect([spec, existsSync(join(root, spec))]).toEqual([spec, true]);
    }
    expect(mutation.specs).not.toEqual([]);
  });
});

describe('a mutation', () => {
  const one: Mutation = { name: 'one', file: 'a.ts', from: 'b();', to: 'c();', specs: [] };

  test('changes its line and nothing else, indented as it was', () => {
    expect(mutate('a();\n  b();\nd();\n', one)).toBe('a();\n  c();\nd();\n');
    expect(mutate('a();\n  b();\n', { ...one, to: '' })).toBe('a();\n\n');
  });

  test.each([
    ['is gone', 'a();\n'],
    ['stands there twice', 'b();\nb();\n'],
    ['is a part of another', 'if (x) b();\n'],
  ])('does not fit when its line %s', (_, text) => {
    expect(() => mutate(text, one)).toThrow(/one: a\.ts has the line \d times, not once/);
  });
});
