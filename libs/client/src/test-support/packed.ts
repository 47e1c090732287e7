import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { repositoryRoot } from '@slipstream/environment';

/** What the package may depend on, and what it takes to compile against it. */
const dependencies = ['@bufbuild/protobuf', 'kafkajs', 'uuid', '@types/node', 'undici-types'];

/** A project outside of this repository that has the packed SDK and its dependencies, and nothing else. */
export interface ForeignProject {
  readonly path: string;
  /** Where the package was unpacked. */
  readonly sdk: string;
  /** Compiles sources strictly, the declarations of libraries too; gives what the compiler says of them. */
  compile(sources: Readonly<Record<string, string>>): string;
  remove(): void;
}

export function foreignProject(): ForeignProject {
  const path = mkdtempSync(join(tmpdir(), 'slipstream-foreign-'));
  const sdk = join(path, 'node_modules/@slipstream/client');
  mkdirSync(sdk, { recursive: true });
  const file = run(process.execPath, [join(repositoryRoot, 'tools/pack-client.mjs'), path], path).trim();
  run('tar', ['-xzf', file, '-C', sdk, '--strip-components=1'], path);
  for (const name of dependencies) {
    const link = join(path, 'node_modules', name);
    mkdirSync(join(link, '..'), { recursive: true });
    symlinkSync(join(repositoryRoot, 'node_modules', name), link);
  }
  writeFileSync(join(path, 'package.json'), '{ "type": "module" }');
  return {
    ...{ path, sdk },
    compile: (sources) => compile(path, sources),
    remove: () => rmSync(path, { recursive: true, force: true }),
  };
}

function compile(path: string, sources: Readonly<Record<string, string>>): string {
  for (const [name, text] of Object.entries(sources)) writeFileSync(join(path, name), text);
  const compilerOptions = {
    ...{
      strict: true,
      skipLibCheck: false,
      noUncheckedIndexedAccess: true,
      exactOptionalPropertyTypes: true,
    },
    ...{ module: 'nodenext', target: 'es2022', lib: ['es2022'], types: ['node'], outDir: 'built' },
  };
  writeFileSync(
    join(path, 'tsconfig.json'),
    JSON.stringify({ compilerOptions, files: Object.keys(sources) }),
  );
  const tsc = join(repositoryRoot, 'node_modules/typescript/bin/tsc');
  const { stdout, stderr } = spawnSync(process.execPath, [tsc, '-p', path], { encoding: 'utf8' });
  return stdout + stderr;
}

function run(command: string, args: string[], cwd: string): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command}: ${error?.message ?? stdout + stderr}`);
  return stdout;
}
