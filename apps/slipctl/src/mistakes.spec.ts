import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { buildProgram } from './program.ts';

const root = join(import.meta.dirname, '../../..');
const rules = join(root, 'deploy/local/slipstream.config.yaml');
const orders = join(import.meta.dirname, 'no-such-orders.csv');
const mapping = join(root, 'examples/olist.yaml');
const gone = '/no/such/file';
const dismissal = ['17', '--service', 'ledger', '--why', 'a test'];
const importing = ['--mapping', mapping, '--until', '2019-01-01T00:00:00Z'];
const decision = ['slips.events.v1', '3', '--service', 'ledger', '--from', '1', '--why', 'a test'];

interface Row {
  /** Whom it asks. `readiness`: services, of what needs no token. `nobody`: it reads files alone. */
  readonly asks: 'services' | 'readiness' | 'kafka' | 'database' | 'both' | 'nobody';
  /** What it needs behind its name. */
  readonly args?: readonly string[];
  /** The same with a file that is not there, or a place that cannot be written. */
  readonly gone?: readonly string[];
}

const commands: Readonly<Record<string, Row>> = {
  status: { asks: 'services' },
  slips: { asks: 'services' },
  cases: { asks: 'services' },
  incidents: { asks: 'services' },
  breaks: { asks: 'services' },
  'statements list': { asks: 'services' },
  'statements send': {
    ...{ asks: 'services', args: [rules, '--source', 's'], gone: [gone, '--source', 's'] },
  },
  get: { asks: 'services', args: ['ord-1'] },
  tail: { asks: 'services' },
  timeline: { asks: 'services', args: ['ord-1'] },
  'topics check': { asks: 'kafka' },
  // What it would need first is the file.
  import: { asks: 'nobody', args: [orders, ...importing], gone: [orders, ...importing] },
  backtest: {
    ...{ asks: 'kafka', args: ['--config', rules, '--was', rules] },
  },
  completion: { asks: 'nobody', args: ['bash'] },
  'config check': { asks: 'nobody', args: [rules], gone: [gone] },
  'config show': { asks: 'nobody', args: [rules], gone: [gone] },
  'config diff': { asks: 'nobody', args: [rules, rules], gone: [rules, gone] },
  'config applied': { asks: 'kafka', gone: [gone] },
  'dlq list': { asks: 'services' },
  'dlq slips': { asks: 'services' },
  'dlq show': { asks: 'services', args: ['17', '--service', 'ledger'] },
  'dlq redrive': { asks: 'services' },
  'dlq dismiss': { asks: 'services', args: dismissal },
  'export slips': { asks: 'services', args: ['-o', join(root, 'no-such.csv')], gone: ['-o', `${gone}.csv`] },
  'export events': { asks: 'services', args: ['-o', join(root, 'no-such.csv')] },
  'export transactions': { asks: 'services', args: ['-o', join(root, 'no-such.csv')] },
  'export postings': { asks: 'services', args: ['-o', join(root, 'no-such.csv')] },
  lag: { asks: 'kafka' },
  'migrate check': {
    ...{ asks: 'database', args: ['--save', join(root, 'no-such.json')], gone: ['--against', gone] },
  },
  'partitions list': { asks: 'services' },
  'partitions go-on': { asks: 'services', args: decision },
  'projection list': { asks: 'database' },
  'projection rebuild': { asks: 'database', args: ['slips', '--drop'] },
  'provider certify': { asks: 'nobody', args: ['http://127.0.0.1:9'] },
  'reconcile diff': { asks: 'services' },
  'reconcile diagnoses': { asks: 'kafka' },
  prove: {
    ...{
      asks: 'services',
      args: ['ord-1', '-o', join(root, 'no-such.json')],
      gone: ['ord-1', '-o', `${gone}.json`],
    },
  },
  events: { asks: 'services' },
  'restore check': { asks: 'readiness' },
  replay: { asks: 'kafka', gone: ['--slips', gone] },
  'suspense list': { asks: 'services' },
  'suspense decisions': { asks: 'services' },
  'suspense propose': { asks: 'services', args: ['slip-1', 'write_off'] },
  'suspense approve': { asks: 'services', args: ['decision-1'] },
  'suspense decline': { asks: 'services', args: ['decision-1'] },
  verify: { asks: 'both', gone: ['--checkpoint', gone] },
  watermarks: { asks: 'services' },
};

/** Where nobody listens, until somebody does. */
let port = 0;
let program: () => ReturnType<typeof buildProgram>;
const said: string[] = [];
let ended = 0;

beforeAll(async () => {
  port = await freePort();
  const nowhere = `127.0.0.1:${port}`;
  // The environment is read when a module is loaded.
  Object.assign(process.env, {
    ...{ KAFKA_BROKERS: nowhere, DATABASE_URL: `postgres://u:p@${nowhere}/postgres`, TOKEN_SRE: 'any' },
    ...{ INTAKE_URL: `http://${nowhere}`, GATEWAY_URL: `http://${nowhere}`, LEDGER_URL: `http://${nowhere}` },
    ...{
      TOKEN_OPS: 'any',
      TOKEN_APPROVER: 'any',
      RECONCILIATION_URL: `http://${nowhere}`,
      SLIPSTREAM_CONFIG: rules,
    },
  });
  process.env.PROVIDER_SECRET = 'any';
  const [{ Terminal }, { buildProgram: build }] = await Promise.all([
    import('./output/terminal.ts'),
    import('./program.ts'),
  ]);
  program = () =>
    build({
      ...{ terminal: new Terminal({ write: (text) => said.push(text) }, () => performance.now()) },
      ...{ nowMs: () => performance.now(), print: (text) => void said.push(text), async write() {} },
      exit(code) {
        ended = code;
      },
      refuse: (text) => void said.push(text),
      interruptible: () => new AbortController().signal,
    });
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port: free } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return free;
}

/** Runs it in this process; main.ts makes the same of what is thrown, and tells of a stack where it is no CliError. */
async function call(line: string, args: readonly string[] = []) {
  said.length = 0;
  ended = 0;
  try {
    await program().parseAsync(['node', 'slipctl', ...line.split(' '), ...args]);
    return { code: ended, error: null };
  } catch (error) {
    const { name, message, exitCode } = error as { name: string; message: string; exitCode: number };
    // Commander's own errors say 1.
    return { code: name === 'CommanderError' ? 2 : exitCode, error: { name, message } };
  }
}

const having = (wanted: (row: Row) => unknown) => Object.entries(commands).filter(([, row]) => wanted(row));

describe('every command', () => {
  it('has a row here', () => {
    const whole = program();
    const names = whole
      .createHelp()
      .visibleCommands(whole)
      .flatMap((one) =>
        one.commands.length === 0
          ? [one.name()]
          : one.commands.map((below) => `${one.name()} ${below.name()}`),
      )
      .filter((name) => name !== 'help')
      .toSorted();
    expect(Object.keys(commands).toSorted()).toEqual(names);
  });

  it.each(having(() => true))('ends %s with 2 at an option that it does not have', async (line, row) => {
    const { code } = await call(line, [...(row.args ?? []), '--no-such-option']);
    expect([code, said]).toEqual([
      2,
      [expect.stringMatching(/^error: unknown option '--no-such-option'\n$/)],
    ]);
  });

  it.each(having(({ asks }) => asks !== 'nobody'))(
    'ends %s with 3 and one line when nobody is there',
    async (line, { args }) => {
      const { code, error } = await call(line, args);
      // What could not be asked is part of its answer.
      if (['status', 'restore check'].includes(line))
        return expect([code, said.join('')]).toEqual([3, expect.stringContaining('?')]);
      expect([code, said]).toEqual([3, []]);
      // fetch is of another realm than the specs: why it failed stands in what slipctl itself prints.
      expect(error).toEqual({
        name: 'CliError',
        message: expect.stringMatching(/ECONNREFUSED|fetch failed/),
      });
      expect(error!.message).not.toContain('\n');
    },
    60_000,
  );

  it.each(having(({ gone: args }) => args))(
    'ends %s with 2 and one line at a file that is not there',
    async (line, { gone: args }) => {
      const { code, error } = await call(line, args);
      expect([code, error?.name, error?.message.split('\n')]).toEqual([
        ...[2, 'CliError', [expect.stringMatching(/ENOENT/)]],
      ]);
    },
  );

  it.each(having(({ asks }) => asks === 'kafka' || asks === 'both'))(
    'ends %s with 2 and one line at a broker that is no host:port',
    async (line, { args = [] }) => {
      const { code, error } = await call(line, [...args, '--brokers', 'kafka-1']);
      expect([code, error?.message]).toEqual([2, '"kafka-1" is no Kafka broker: it must be host:port']);
    },
  );
});

/** What names a file to be written, behind everything else that the command needs; and a file that it reads. */
const outputs: readonly (readonly [line: string, args: readonly string[], read?: string])[] = [
  ['import', [orders, ...importing, '--wait', '--verdicts'], mapping],
  ['backtest', ['--config', rules, '--was', rules, '--svg'], rules],
  ['migrate check', ['--save']],
  ['prove', ['ord-1', '-o']],
  ['provider certify', ['http://127.0.0.1:9', '--tape']],
  ['replay', ['--slips', rules, '--out'], rules],
  ['replay', ['--topic', 'mine', '--yes', '--slips', rules, '--state'], rules],
  ['replay', ['--out', join(root, 'no-such.ndjson'), '--state']],
  ...['slips', 'events', 'transactions', 'postings'].map((what) => [`export ${what}`, ['-o']] as const),
];

it('ends replay with 2 where no slip is named at all', async () => {
  for (const none of [
    ['--slip', ''],
    ['--slips', '/dev/null'],
  ]) {
    const { code, error } = await call('replay', [...none, '--preview']);
    expect([code, error?.message]).toEqual([2, '--slip and --slips name no slip']);
  }
});

describe('every command that writes a file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'mistakes-spec-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('has its options here', () => {
    const whole = program();
    const own = (command: typeof whole, before: string): string[] =>
      command.commands.flatMap((one) => [
        ...one.options
          .filter(({ flags }) => /--(out|svg|tape|report|save|state|verdicts) <file>$/.test(flags))
          .map(({ long }) => `${before}${one.name()} ${long}`),
        ...own(one as typeof whole, `${before}${one.name()} `),
      ]);
    const said = outputs.map(([line, args]) => `${line} ${args.at(-1)!.replace(/^-o$/, '--out')}`);
    // Both are written at once, by the same call.
    const known = [...said, 'provider certify --report'];
    expect([...new Set(known)].toSorted()).toEqual(own(whole, '').toSorted());
  });

  it.each(
    outputs.flatMap(([line, args]) =>
      [gone, folder, '', join(rules, 'below')].map((place) => [line, args.at(-1)!, place, args] as const),
    ),
  )(
    'ends %s with 2 and one line where %s names %j, before anything is asked or made',
    async (line, _, place, args) => {
      const { code, error } = await call(line, [...args, place]);
      expect([code, error?.name, error?.message]).toEqual([
        ...[2, 'CliError'],
        expect.stringMatching(/^[^\n]*(cannot be written|names no file|is there already)[^\n]*$/),
      ]);
      expect([readdirSync(folder), existsSync(join(root, 'no-such.ndjson'))]).toEqual([[], false]);
    },
  );

  it.each(outputs.flatMap(([line, args, read]) => (read ? [[line, args, read] as const] : [])))(
    'ends %s with 2 where it would be written over what it reads',
    async (line, args, read) => {
      const before = readFileSync(read, 'utf8');
      const { code, error } = await call(line, [...args, read]);
      expect([code, error?.message]).toEqual([
        2,
        expect.stringContaining('is the same file as what is read'),
      ]);
      expect(readFileSync(read, 'utf8')).toBe(before);
    },
  );

  it('ends replay with 2 where its state would be its file, or a device', async () => {
    const out = join(folder, 'out.ndjson');
    const same = await call('replay', ['--out', out, '--state', out]);
    expect([same.code, same.error?.message]).toEqual([2, expect.stringContaining('the same file as --out')]);
    const device = await call('replay', ['--out', out, '--state', '/dev/null']);
    expect([device.code, device.error?.message]).toEqual([
      ...[2, '/dev/null is no plain file: the state of the replay cannot be kept there'],
    ]);
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe('every command that asks services', () => {
  const server = createServer((_, response) => {
    response.writeHead(401).end();
  });
  beforeAll(() => new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve)));
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  it.each(having(({ asks }) => asks === 'services'))(
    'ends %s with 2 and one line at a token that is not accepted',
    async (line, { args }) => {
      const { code, error } = await call(line, args);
      expect([code, said, error?.name]).toEqual([2, [], 'CliError']);
      expect(error!.message).toContain('does not accept the bearer token (401)');
      expect(error!.message).not.toContain('\n');
    },
  );
});
