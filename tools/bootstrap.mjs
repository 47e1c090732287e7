// From a fresh clone to a running command, on any Node 20+ and without dependencies: installs when the lockfile changed,
// builds what changed, and runs the command on the Node that the lockfile pins.
// All of this speaks on stderr: stdout belongs to the command.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const NODE_MAJOR_MIN = 20;
const ENTRIES = {
  start: 'apps/local/dist/commands/start-command.js',
  stack: 'apps/local/dist/commands/stack-command.js',
  test: 'tools/ci/dist/test-command.js',
  check: 'tools/ci/dist/test-command.js',
  bench: 'test/benchmarks/run.ts',
  drill: 'test/drills/run.ts',
  mutate: 'test/mutations/run.ts',
  'compose-env': 'apps/local/dist/commands/compose-env-command.js',
};

/** Told before anything is installed. The commands below `npm run` have more to say of themselves once they can run. */
const USAGE = {
  start: `usage: npm start [-- --exit]
Starts Kafka, PostgreSQL, the simulated providers and every service, and plays the demo feed. Ctrl-C stops all of it.
  --exit   end when every slip of the feed has its verdict; the last line of stdout is one JSON object`,
  stack: `usage: npm run [-s] stack -- CMD [ARGUMENT...]
Boots a fresh stack, runs CMD with its addresses and tokens in the environment, stops the stack, exits with CMD's code.`,
  test: `usage: npm test [-- checks|unit|int|e2e ...]
Runs every check and test, or the parts named; the last line is "N passed, N failed".`,
  check: `usage: npm run check
Runs what needs no test runner: build, style, types, contracts.`,
  bench: `usage: npm run bench -- NAME
Measures against this machine's limits, as ratios in one run.`,
  drill: `usage: npm run drill -- NAME
Breaks a stack of its own on purpose, and shows what held.`,
  mutate: `usage: npm run mutate [-- options]
Makes one line of the code wrong at a time, and runs the specs that must notice.`,
  'compose-env': `usage: node tools/bootstrap.mjs compose-env
Writes the passwords, secrets and tokens that docker-compose.yml asks for to .slipstream/compose.env.`,
};
/** Those whose own --help says more. */
const SPEAK_FOR_THEMSELVES = ['bench', 'drill', 'mutate'];

/**
 * Installs what the lockfile says and leaves the lockfile as it is. Not `npm ci`: that refuses every lockfile, also one
 * it has just written, when a registry lacks an optional package of some other platform (npm/cli#9846).
 */
const INSTALL = ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error'];

const root = fileURLToPath(new URL('..', import.meta.url));
const bin = join(root, 'node_modules/.bin');
const stampFile = join(root, 'node_modules/.slipstream-stamp');
const [command, ...args] = process.argv.slice(2);
const tests = command === 'test' || command === 'check';

main().catch((error) => {
  say(`\n${error.message}`);
  if (tests) console.log('0 passed, 1 failed');
  process.exit(1);
});

async function main() {
  if (!Object.hasOwn(ENTRIES, command ?? '')) {
    say(`usage: node tools/bootstrap.mjs <${Object.keys(ENTRIES).join('|')}> [args]`);
    process.exit(2);
  }
  if (args.some((arg) => arg === '--help' || arg === '-h') && asksUs()) {
    console.log(USAGE[command]);
    return;
  }
  if (Number(process.versions.node.split('.')[0]) < NODE_MAJOR_MIN) {
    throw new Error(
      `Node ${NODE_MAJOR_MIN} or later is needed; this is ${process.version}. See https://nodejs.org/`,
    );
  }
  await install();
  const built = await build();
  await run(built);
}

/** `stack -- CMD --help` asks CMD; a command that explains itself is asked itself, once it is installed. */
function asksUs() {
  if (command === 'stack') return args[0] === '--help' || args[0] === '-h';
  return !SPEAK_FOR_THEMSELVES.includes(command) || !existsSync(stampFile);
}

/** Installs when node_modules is not what the lockfile says. */
async function install() {
  const digest = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8').trim() === digest) return;
  if (spawnSync('npm', ['--version'], { cwd: root }).status !== 0) {
    throw new Error('npm is needed and was not found. It comes with Node: https://nodejs.org/');
  }
  say('installing dependencies, once per lockfile: one to two minutes, 840 MiB');
  const began = performance.now();
  const { code } = await child('npm', INSTALL, { stdio: ['ignore', 2, 2], isSetUp: true });
  if (code !== 0) {
    throw new Error(
      `npm could not install the dependencies (exit code ${code}); its words are above. Check the network and the registry in ~/.npmrc, then run this again.`,
    );
  }
  say(`installed in ${secondsSince(began)} s`);
  if (!existsSync(join(bin, 'node'))) {
    throw new Error(
      'npm did not bring Node 24 (node_modules/.bin/node): its install script was not allowed to run. Is ignore-scripts set in ~/.npmrc?',
    );
  }
  writeFileSync(stampFile, `${digest}\n`);
}

/** Quiet and cached; false when it failed. For tests a failed build is one failed check, so that the others still run. */
async function build() {
  const began = performance.now();
  const { code, output } = await child('nx', ['run-many', '-t', 'build'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    isSetUp: true,
  });
  const seconds = secondsSince(began);
  if (code === 0) {
    say(`built in ${seconds} s`);
    return true;
  }
  say(`${output.trim()}\n\nThe build failed after ${seconds} s; the reason is above.`);
  if (tests && existsSync(join(root, ENTRIES.test))) return false;
  throw new Error('Nothing was started, because the build failed.');
}

async function run(built) {
  const options = ['--disable-warning=TimeoutNegativeWarning', '--disable-warning=ExperimentalWarning'];
  const entry = join(root, ENTRIES[command]);
  const part = command === 'check' ? ['checks'] : [];
  // The channel lets the command notice when this process is killed.
  const { code } = await child(join(bin, 'node'), [...options, entry, ...part, ...args], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: tests ? { SLIPSTREAM_BUILD: built ? 'passed' : 'failed' } : {},
  });
  process.exit(code);
}

/**
 * Runs a program in the checkout with Node 24 first in PATH. Signals are passed on to it; but set-up ends at once, with
 * all that npm or Nx started: npm alone would go on for half a minute, and call it a failure.
 */
function child(program, programArgs, { stdio, env = {}, isSetUp = false }) {
  const PATH = [bin, process.env.PATH].join(delimiter);
  const quiet = { NX_DAEMON: 'false', NX_TUI: 'false', NX_NO_CLOUD: 'true' };
  let running;
  const forward = (signal) => {
    if (!isSetUp) return running.kill(signal);
    if (running.pid !== undefined) kill(-running.pid);
    say(`\n${signal}: set-up was stopped, nothing was started; run the command again to go on`);
    process.exit(128 + constants.signals[signal]);
  };
  // Before it is started: a signal that comes meanwhile would end this process alone.
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const signal of signals) process.on(signal, forward);
  running = spawn(program, programArgs, {
    cwd: root,
    stdio,
    detached: isSetUp,
    env: { ...process.env, ...quiet, ...env, PATH },
  });
  let output = '';
  for (const stream of [running.stdout, running.stderr]) {
    stream?.on('data', (chunk) => {
      output = (output + chunk).slice(-20_000);
    });
  }
  const watch = onParentDeath(() => forward('SIGTERM'));
  return new Promise((resolve, reject) => {
    running.once('error', reject);
    running.once('close', (code, signal) => {
      clearInterval(watch);
      for (const one of signals) process.off(one, forward);
      resolve({ code: signal ? 128 + constants.signals[signal] : code, output });
    });
  });
}

function kill(pid) {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (error.code !== 'ESRCH') throw error; // it has just ended
  }
}

/** npm's shell dies from a SIGTERM without passing it on: under npm, a new parent means that we have to stop. */
function onParentDeath(stop) {
  if (!process.env.npm_lifecycle_event) return undefined;
  const parent = process.ppid;
  return setInterval(() => process.ppid !== parent && stop(), 250);
}

function secondsSince(began) {
  return ((performance.now() - began) / 1000).toFixed(1);
}

function say(line) {
  process.stderr.write(`${line}\n`);
}
