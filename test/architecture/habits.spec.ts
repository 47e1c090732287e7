import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test } from '@jest/globals';

const root = join(import.meta.dirname, '../..');

/** What the linter's real configuration says of files at these paths: `rule: path`. */
function lint(files: Readonly<Record<string, string>>): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'slipstream-lint-'));
  try {
    for (const part of ['biome.json', 'tools/lint'])
      cpSync(join(root, part), join(folder, part), { recursive: true });
    for (const [path, code] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), code);
    }
    const biome = join(root, 'node_modules/.bin/biome');
    const { stdout } = spawnSync(biome, ['lint', '--reporter=json', '.'], { cwd: folder, encoding: 'utf8' });
    const { diagnostics } = JSON.parse(stdout) as {
      diagnostics: { category: string; location: { path: string } }[];
    };
    return diagnostics
      .map(({ category, location }) => `${category.split('/').at(-1)}: ${location.path}`)
      .sort();
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('no clock and no chance in a decision, no environment outside the start, no barrel: each breach is found, and nothing else', () => {
  expect(
    lint({
      'libs/alpha/src/index.ts': "export { one } from './one.ts';\n",
      'libs/alpha/src/rooms.ts': "export { one } from './one.ts';\nexport { two } from './two.ts';\n",
      'libs/slip/src/chance.ts': 'export const chance = () => Math.random();\n',
      'services/alpha/src/adapters/http/port.ts': 'export const port = process.env.PORT;\n',
      'services/alpha/src/app.module.ts': 'export const clock = () => performance.now();\n',
      'services/alpha/src/application/wait.ts':
        'export const later = (work: () => void) => setTimeout(work, 1);\n',
      'services/alpha/src/domain/hold/decide.ts': 'export const now = () => Date.now();\n',
      'services/alpha/src/main.ts': 'export const environment = process.env;\n',
    }),
  ).toEqual([
    'noBarrelFile: libs/alpha/src/rooms.ts',
    'noProcessEnv: services/alpha/src/adapters/http/port.ts',
    'noRestrictedGlobals: services/alpha/src/application/wait.ts',
    'noRestrictedGlobals: services/alpha/src/domain/hold/decide.ts',
    'plugin: libs/slip/src/chance.ts',
  ]);
});
