import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { getPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { freePorts, isRunning, processStart } from '@slipstream/environment';
import { waitFor } from '@slipstream/testing';
import type { ProcessSpec } from './supervised-process.ts';
import { createSupervisor, type Supervisor } from './supervisor.ts';

/** A service in a few lines: says what it does, is ready at once, ends on SIGTERM. */
const SERVICE = `
const { createServer } = require('node:http');
console.log('hello from ' + process.env.WHO);
createServer((request, response) => {
  if (request.url === '/crash') process.exit(3);
  response.end('ok');
}).listen(Number(process.env.PORT), '127.0.0.1');
process.on('SIGTERM', () => { console.log('goodbye'); process.exit(0); });
`;

describe('the supervisor', () => {
  let dataDir: string;
  let lines: string[];
  let supervisor: Supervisor;
  const log = (name: string) => readFileSync(join(dataDir, `logs/${name}.log`), 'utf8');

  beforeEach(() => {
    dataDir = mkdtempSync(join(tmpdir(), 'slipstream-supervisor-'));
    lines = [];
    supervisor = createSupervisor({ dataDir, warn: (line) => lines.push(line) });
  });

  afterEach(async () => {
    await supervisor.stopAll();
    rmSync(dataDir, { recursive: true, force: true });
  });

  async function service(name: string, script = SERVICE): Promise<ProcessSpec> {
    const [port] = await freePorts(1);
    const env = { PORT: String(port), WHO: name };
    return { name, args: ['-e', script], env, readyUrl: `http://127.0.0.1:${port}/readyz` };
  }

  test('starts a process, waits until it is ready, keeps its words, and stops it by pid', async () => {
    await supervisor.start(await service('ledger'));
    const pid = supervisor.pid('ledger')!;
    const identity = { pid, startedAt: processStart(pid) };
    expect(supervisor.isReady('ledger')).toBe(true);
    expect(isRunning(identity)).toBe(true);

    await supervisor.stopAll();
    expect(isRunning(identity)).toBe(false);
    expect(log('ledger')).toBe('hello from ledger\ngoodbye\n');
    expect(supervisor.restarts('ledger')).toBe(0);
    expect(lines).toEqual([]);
  });

  test('lets a process wait for others that share the processor, and its whole session', async () => {
    await supervisor.start({ ...(await service('ledger')), niceness: 3 });
    await supervisor.start(await service('intake'));
    const [behind, usual] = ['ledger', 'intake'].map((name) => supervisor.pid(name)!);
    expect([behind, usual].map((pid) => getPriority(pid))).toEqual([3, getPriority()]);
    const sessionOf = (pid: number) =>
      readFileSync(`/proc/${pid}/autogroup`, 'utf8')
        .replace(/.* nice /, '')
        .trim();
    if (!existsSync('/proc/self/autogroup')) return;
    await waitFor(async () => sessionOf(behind!) === '3', { what: 'its session has it too' });
    expect(sessionOf(usual!)).toBe('0');
  });

  test('starts what may not come first, where that is not permitted, as everybody', async () => {
    const first = await service('intake');
    await supervisor.start({ ...first, niceness: -8 });
    expect([-8, getPriority()]).toContain(getPriority(supervisor.pid('intake')));
    expect(lines).toEqual([]);
  });

  test('remembers what was killed or stood still, and for how long', async () => {
    await supervisor.start(await service('ledger'));
    supervisor.kill('ledger', 'SIGSTOP');
    expect(supervisor.outages()).toEqual([{ name: 'ledger', at: expect.any(Date), until: null }]);
    supervisor.kill('ledger', 'SIGCONT');
    supervisor.kill('ledger', 'SIGKILL');
    await waitFor(() => supervisor.outages().length === 2, {
      what: 'the end to be noted',
    });
    const [stood, ended] = supervisor.outages();
    expect(stood!.until!.getTime()).toBeGreaterThanOrEqual(stood!.at.getTime());
    expect(ended!.until).toEqual(ended!.at);
  });

  test('restarts what was killed, with one line of text, and leaves the others alone', async () => {
    await supervisor.start(await service('intake'));
    await supervisor.start(await service('ledger'));
    const [killed, other] = [supervisor.pid('intake'), supervisor.pid('ledger')];

    expect(supervisor.kill('intake', 'SIGKILL')).toBe(true);
    await waitFor(() => supervisor.restarts('intake') === 1 && supervisor.isReady('intake'), {
      what: 'the restart',
    });
    expect(supervisor.pid('intake')).not.toBe(killed);
    expect(supervisor.pid('ledger')).toBe(other);
    expect(lines).toEqual([
      expect.stringMatching(/^intake ended \(SIGKILL\); restart 1 in 0\.2 s; log: .*intake\.log$/),
    ]);
  });

  test('waits longer before each restart of a process that keeps ending', async () => {
    const spec = await service('gateway');
    await supervisor.start(spec);
    for (const restart of [1, 2, 3]) {
      await fetch(spec.readyUrl.replace('/readyz', '/crash')).catch(() => {});
      await waitFor(() => supervisor.restarts('gateway') === restart && supervisor.isReady('gateway'), {
        what: `restart ${restart}`,
      });
    }
    expect(lines.map((line) => /\((.*)\); restart \d in (.*) s;/.exec(line)?.slice(1))).toEqual([
      ['code 3', '0.2'],
      ['code 3', '0.4'],
      ['code 3', '0.8'],
    ]);
  });

  test('gives up on a process that was never ready, and shows its last words', async () => {
    const spec = await service(
      'intake',
      "console.error('slipstream.config.yaml:7: no such provider'); process.exit(1)",
    );
    await expect(supervisor.start(spec)).rejects.toThrow(/intake ends again and again.*config\.yaml:7/s);
  });

  test('gives up on a process that is not ready in time, and ends it', async () => {
    const spec = await service(
      'intake',
      "console.log(process.pid); process.on('SIGTERM', () => process.exit(0)); setInterval(() => {}, 1000)",
    );
    await expect(supervisor.start({ ...spec, readyTimeoutMs: 1_000 })).rejects.toThrow(
      'was not ready within 1 s',
    );
    expect(processStart(Number(log('intake').trim()))).toBe('');
  });

  test('stops a process that was left in SIGSTOP without waiting for the kill', async () => {
    await supervisor.start(await service('ledger'));
    supervisor.kill('ledger', 'SIGSTOP');
    await supervisor.stopAll();
    expect(log('ledger')).toContain('goodbye');
  });

  test('names what it knows when asked for something else', () => {
    expect(() => supervisor.pid('leger')).toThrow('no process "leger"');
  });
});
