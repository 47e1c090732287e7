import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { settings } from './spec-support.ts';

const root = resolve(import.meta.dirname, '../../..');

/** Lets the child process run our sources as they are: SWC compiles each file when it is loaded. */
const hooks = `
import { createRequire, registerHooks } from 'node:module';
import { readFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
const { transformSync } = createRequire(${JSON.stringify(`${root}/package.json`)})('@swc/core');
const jsc = {
  target: 'es2024',
  parser: { syntax: 'typescript', decorators: true },
  transform: { legacyDecorator: true, decoratorMetadata: true },
};
registerHooks({
  resolve(specifier, context, next) {
    const own = /^@slipstream\\/(.+)$/.exec(specifier)?.[1];
    if (own) return { url: pathToFileURL(\`${root}/libs/\${own}/src/index.ts\`).href, shortCircuit: true };
    return next(specifier, context);
  },
  load(url, context, next) {
    if (!url.endsWith('.ts')) return next(url, context);
    const source = readFileSync(fileURLToPath(url), 'utf8');
    const { code } = transformSync(source, { swcrc: false, configFile: false, jsc, module: { type: 'es6' } });
    return { format: 'module', source: code, shortCircuit: true };
  },
});
`;

const main = (body: string) => `
import { runService } from '${import.meta.dirname}/run-service.ts';
import { StartError } from '@slipstream/kernel';
import { Module } from '${root}/node_modules/@nestjs/common/index.js';
class Things {}
Module({})(Things);
const settings = ${JSON.stringify({ ...settings, logLevel: 'log' })};
const say = (text) => process.stdout.write(JSON.stringify({ text }) + '\\n');
const hang = () => new Promise((resolve) => setTimeout(resolve, 3_600_000));
const part = (over) => ({ name: 'part', start: async () => say('start'), drain: async () => say('drain'), stop: async () => say('stop'), ...over });
const options = { name: 'things', module: Things, settings, parts: [part({})] };
${body}
`;

let folder: string;
const children: ChildProcess[] = [];
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'run-service-'));
  writeFileSync(join(folder, 'hooks.mjs'), hooks);
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});
afterAll(() => rmSync(folder, { recursive: true }));

type Line = Record<string, unknown>;

function run(name: string, body: string) {
  const file = join(folder, `${name}.ts`);
  writeFileSync(file, main(body));
  const child = spawn(process.execPath, ['--import', join(folder, 'hooks.mjs'), file], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  let stdout = '';
  let stderr = '';
  const waiting = new Set<() => void>();
  const wake = () => {
    for (const check of waiting) check();
  };
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
    wake();
  });
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  const exit = new Promise<number | null>((done) => child.on('close', (code) => done(code)));
  const lines = (): Line[] =>
    stdout
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Line);
  const line = (matches: (line: Line) => boolean) =>
    new Promise<Line>((done, fail) => {
      const check = () => {
        const found = lines().find(matches);
        if (found) done(found);
      };
      waiting.add(check);
      exit.then((code) => fail(new Error(`exit ${code}: ${stdout}${stderr}`)));
      check();
    });
  return {
    child,
    exit,
    lines,
    line,
    said: () => lines().flatMap(({ text }) => text ?? []),
    stderr: () => stderr,
  };
}

const ready = (line: Line) => line.ready === true;
const saying = (text: string) => (line: Line) => line.text === text;

describe('a service process', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('says where it is, and ends with 0 on %s', async (signal) => {
    const { child, exit, line, lines, said } = run('good', 'await runService(() => options);');
    const { service, url } = await line(ready);
    expect(service).toBe('things');
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    child.kill(signal);
    expect(await exit).toBe(0);
    expect(said()).toEqual(['start', 'drain', 'stop']);
    const logged = lines().find(({ message }) => String(message).includes(signal));
    expect(logged).toMatchObject({
      level: 'info',
      service: 'things',
      instance: 'spec',
      message: `${signal}: draining`,
    });
  });

  it('ends with 1 on a second signal', async () => {
    const body = `options.parts = [part({ drain: async () => { say('drain'); await hang(); } })]; await runService(() => options);`;
    const { child, exit, line } = run('second', body);
    await line(ready);
    child.kill('SIGTERM');
    await line(saying('drain'));
    child.kill('SIGTERM');
    expect(await exit).toBe(1);
  });

  it('ends with 1 when draining takes too long', async () => {
    const body = `options.parts = [part({ drain: hang })]; settings.drainTimeoutMs = 300; await runService(() => options);`;
    const { child, exit, line, lines } = run('slow', body);
    await line(ready);
    child.kill('SIGTERM');
    expect(await exit).toBe(1);
    expect(lines().at(-1)).toMatchObject({ level: 'fatal', message: 'stopping took more than 300 ms' });
  });

  it('ends with 1 when a part does not stop', async () => {
    const body = `options.parts = [part({ stop: async () => { throw new Error('stuck'); } })]; await runService(() => options);`;
    const { child, exit, line, lines } = run('stuck', body);
    await line(ready);
    child.kill('SIGTERM');
    expect(await exit).toBe(1);
    expect(JSON.stringify(lines())).toContain('stuck');
  });

  it('obeys a signal that comes while it starts', async () => {
    const body = `options.parts = [part({ start: async () => { say('start'); const timer = setTimeout(() => {}, 3_600_000); await new Promise((done) => process.once('SIGTERM', done)); clearTimeout(timer); } })]; await runService(() => options);`;
    const { child, exit, line, said } = run('early', body);
    await line(saying('start'));
    child.kill('SIGTERM');
    expect(await exit).toBe(0);
    expect(said()).toEqual(['start', 'drain', 'stop']);
  });

  it.each([
    ['exception', `setImmediate(() => { throw new Error('out of the blue'); });`],
    ['rejection', `Promise.reject(new Error('out of the blue'));`],
  ])('ends with 1 on an unhandled %s, and logs it', async (name, trouble) => {
    const { exit, lines } = run(
      name,
      `await runService(() => options); `.replace('=> options', `=> { ${trouble} return options; }`),
    );
    expect(await exit).toBe(1);
    expect(JSON.stringify(lines().at(-1))).toContain('out of the blue');
  });

  it('ends with 1 and a plain text when what it was given is wrong', async () => {
    const body = `await runService(() => { throw new StartError('The environment is not usable:', ['PORT: is required']); });`;
    const { exit, stderr, lines } = run('wrong', body);
    expect(await exit).toBe(1);
    expect(stderr()).toBe('The environment is not usable:\n  PORT: is required\n');
    expect(lines()).toEqual([]);
  });

  it('ends with 1 when it cannot start', async () => {
    const body = `options.parts = [part({ start: async () => { throw new Error('no database'); } })]; await runService(() => options);`;
    const { exit, lines } = run('failing', body);
    expect(await exit).toBe(1);
    expect(lines().at(-1)).toMatchObject({ level: 'fatal', message: 'the service did not start' });
    expect(JSON.stringify(lines().at(-1))).toContain('no database');
  });
});
