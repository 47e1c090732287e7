import { globSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { repositoryRoot } from '@slipstream/environment';
import { execute, failed, passed, type Step } from './steps.ts';

/** What needs no test runner: the build, style, types and contracts. */
export const checks: Step[] = [
  {
    name: 'build',
    run: async () => (process.env.SLIPSTREAM_BUILD === 'failed' ? failed('see above') : passed()),
  },
  { name: 'every built package loads', run: builtPackagesLoad },
  program('format and lint', 'biome', ['check', '.']),
  program('types', 'tsc', ['-p', 'tsconfig.json']),
  program('contracts: lint', 'buf', ['lint']),
  program('contracts: no breaking change', 'buf', ['breaking', '--against', 'proto/slipstream.binpb']),
  { name: 'contracts: generated code is fresh', run: generatedCodeIsFresh },
];

function program(name: string, command: string, args: string[]): Step {
  return {
    name,
    async run(stop) {
      const { code, output } = await execute(command, args, stop);
      return code === 0 ? passed() : failed(output);
    },
  };
}

/** Node finds fewer names in a CommonJS module than jest does: what passes every spec may still end a service at its start. */
async function builtPackagesLoad(stop: AbortSignal) {
  const packages = globSync('{libs,services}/*/package.json', { cwd: repositoryRoot })
    .map((file) => JSON.parse(readFileSync(join(repositoryRoot, file), 'utf8')).name as string)
    .map(
      (name) =>
        `await import('${name}').catch((error) => { throw new Error('${name}', { cause: error }); });`,
    );
  const args = ['--input-type=module', '--eval', packages.join('\n')];
  const { code, output } = await execute(process.execPath, args, stop);
  return code === 0 ? passed() : failed(output);
}

const GENERATED = 'libs/contracts/src/generated';

async function generatedCodeIsFresh(stop: AbortSignal) {
  const folder = mkdtempSync(join(tmpdir(), 'slipstream-generated-'));
  try {
    const { code, output } = await execute('buf', ['generate', '-o', folder], stop);
    if (code !== 0) return failed(output);
    const stale = differences(files(join(folder, GENERATED)), files(join(repositoryRoot, GENERATED)));
    return stale.length === 0
      ? passed()
      : failed(`run \`npm run generate\`; stale in ${GENERATED}: ${stale.join(', ')}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function files(folder: string): Map<string, string> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  return new Map(
    entries.map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return [path.slice(folder.length + 1), readFileSync(path, 'utf8')];
    }),
  );
}

function differences(wanted: Map<string, string>, found: Map<string, string>): string[] {
  const names = new Set([...wanted.keys(), ...found.keys()]);
  return [...names].filter((name) => wanted.get(name) !== found.get(name));
}
