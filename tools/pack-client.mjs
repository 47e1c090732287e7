// Makes the package of the SDK for services outside of this repository: built JavaScript and declarations of libs/client and of
// what it uses of the other libraries, which are published nowhere, in one package. Says the file's path on stdout.
//   node tools/pack-client.mjs [FOLDER]
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { isBuiltin } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const client = join(root, 'libs/client');
const NODE_MIN = '>=20';

const folder = resolve(process.argv[2] ?? '.');
const staged = mkdtempSync(join(tmpdir(), 'slipstream-client-'));
try {
  const lib = join(staged, 'lib');
  run(join(root, 'node_modules/.bin/tsc'), ['-p', join(client, 'tsconfig.package.json'), '--outDir', lib]);
  const imported = new Set(filesBelow(lib).flatMap((file) => pointInside(lib, file)));
  writeFileSync(join(staged, 'package.json'), `${JSON.stringify(manifest(imported), null, 2)}\n`);
  copyFileSync(join(client, 'README.md'), join(staged, 'README.md'));
  for (const file of ['LICENSE', 'NOTICE']) copyFileSync(join(root, file), join(staged, file));
  mkdirSync(folder, { recursive: true });
  const [packed] = JSON.parse(run('npm', ['pack', '--json', '--pack-destination', folder], staged));
  console.log(join(folder, packed.filename));
} finally {
  rmSync(staged, { recursive: true, force: true });
}

/** Makes the imports of one built file relative, and gives the packages from outside that it imports. */
function pointInside(lib, file) {
  const text = readFileSync(file, 'utf8')
    .replaceAll(/(['"])@slipstream\/([a-z-]+)\1/g, (_, quote, name) => {
      const path = relative(dirname(file), join(lib, name, 'src/index.js'))
        .split(sep)
        .join('/');
      return quote + (path.startsWith('.') ? path : `./${path}`) + quote;
    })
    // Declarations keep the names of the sources.
    .replaceAll(/(['"]\.{1,2}\/[^'"\n]+)\.ts(['"])/g, '$1.js$2');
  writeFileSync(file, text);
  const names = [...text.matchAll(/\b(?:from\s+|import\s+|import\(|load\()['"]([\w@][\w@./-]*)['"]/g)].map(
    ([, name]) => name,
  );
  return names.filter((name) => !isBuiltin(name)).map(packageOf);
}

/** `@scope/name/file` and `name/file` without the file. */
function packageOf(name) {
  return name.split('/', name.startsWith('@') ? 2 : 1).join('/');
}

function manifest(imported) {
  const own = JSON.parse(readFileSync(join(client, 'package.json'), 'utf8'));
  return {
    name: own.name,
    version: own.version,
    description: 'Publish slips to Slipstream over Kafka, and follow what becomes of them',
    license: 'Apache-2.0',
    type: 'module',
    exports: { '.': { types: './lib/client/src/index.d.ts', default: './lib/client/src/index.js' } },
    files: ['lib', 'NOTICE'],
    engines: { node: NODE_MIN },
    dependencies: Object.fromEntries([...imported].toSorted().map((name) => [name, pinned(name)])),
  };
}

/** As one of the libraries pins it. */
function pinned(name) {
  for (const lib of readdirSync(join(root, 'libs'))) {
    const { dependencies = {} } = JSON.parse(readFileSync(join(root, 'libs', lib, 'package.json'), 'utf8'));
    if (dependencies[name]) return dependencies[name];
  }
  throw new Error(`${name} is imported by the SDK, and no library depends on it`);
}

function filesBelow(path) {
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

function run(command, args, cwd = root) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${error?.message ?? stdout + stderr}`);
  return stdout;
}
