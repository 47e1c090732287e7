import { execFileSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';

const root = join(import.meta.dirname, '../..');
const statement = /^import (?:[\w$]+, )?\{([^}]*)\} from '((?:@[\w-]+\/)?[\w.-]+)';$/gm;
const exclude = ['**/node_modules/**', '**/dist/**', '**/*.spec.ts', '**/test-support/**', '**/generated/**'];

/** The values that our compiled code asks for by name, per package. */
function wanted(): Map<string, Set<string>> {
  const names = new Map<string, Set<string>>();
  for (const file of globSync('{libs,services,apps}/*/src/**/*.ts', { cwd: root, exclude })) {
    for (const [, list, name] of readFileSync(join(root, file), 'utf8').matchAll(statement)) {
      if (name!.startsWith('@slipstream/')) continue;
      const values = list!
        .split(',')
        .map((one) => one.trim())
        .filter((one) => one !== '' && !one.startsWith('type '))
        .map((one) => one.split(' as ')[0]!);
      names.set(name!, new Set([...(names.get(name!) ?? []), ...values]));
    }
  }
  return names;
}

// Node finds the names of a CommonJS package by reading it, jest by running it: what passes every test may not start.
test('Node finds by name whatever is imported by name', () => {
  const names = Object.fromEntries([...wanted()].map(([name, values]) => [name, [...values]]));
  expect(Object.keys(names).length).toBeGreaterThan(10);
  const program = `const missing = [];
    for (const [name, values] of Object.entries(${JSON.stringify(names)})) {
      const found = await import(name);
      for (const value of values) if (!(value in found)) missing.push(value + ' of ' + name);
    }
    console.log(JSON.stringify(missing));`;
  const options = { cwd: root, encoding: 'utf8', timeout: 60_000 } as const;
  const said = execFileSync(process.execPath, ['--input-type=module', '--eval', program], options);
  expect(JSON.parse(said.trim().split('\n').at(-1)!)).toEqual([]);
});
