import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from '@jest/globals';

const root = join(import.meta.dirname, '../..');
const read = (file: string) => readFileSync(join(root, file), 'utf8');
const packages = globSync('{libs,services,apps}/*/package.json', { cwd: root });

test('every dependency has its reason in docs/reference/dependencies.md', () => {
  const reasons = read('docs/reference/dependencies.md');
  const manifests = ['package.json', 'test/package.json', 'deploy/local/package.json', ...packages].map(
    (file) => JSON.parse(read(file)),
  );
  const names = manifests.flatMap(({ dependencies = {}, devDependencies = {} }) =>
    Object.keys({ ...dependencies, ...devDependencies }),
  );
  const outside = [...new Set(names)].filter(
    (name) => !name.startsWith('@slipstream/') && !name.startsWith('@types/'),
  );
  expect(outside.length).toBeGreaterThan(20);
  expect(outside.filter((name) => !reasons.includes(`\`${name}\``))).toEqual([]);
});

test('every library, service and app says on one page what it owns', () => {
  expect(packages.length).toBeGreaterThan(12);
  expect(packages.map(dirname).filter((folder) => !existsSync(join(root, folder, 'README.md')))).toEqual([]);
});

test('links between the documents lead somewhere', () => {
  const documents = globSync(
    '{*.md,docs/**/*.md,libs/*/README.md,services/*/README.md,apps/*/README.md,deploy/local/README.md}',
    { cwd: root },
  );
  const broken = documents.flatMap((file) =>
    [...read(file).matchAll(/\]\((?!https?:|#)([^)#]+)/g)]
      .map((match) => match[1]!)
      .filter((target) => !existsSync(join(root, dirname(file), target)))
      .map((target) => `${file}: ${target}`),
  );
  expect(broken).toEqual([]);
});
