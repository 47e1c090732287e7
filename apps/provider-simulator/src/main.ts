#!/usr/bin/env node
import { Command, InvalidArgumentError } from 'commander';
import { ConfigError, loadProviders } from './config.ts';
import { startSimulator } from './simulator.ts';

interface Flags {
  port: number;
  host: string;
  seed: string;
  providers?: string;
  state?: string;
}

const HELP = `
A provider: {"id","port","secret":"whsec_…","callback_url","mode":"async"|"sync"|"polled","latency_ms":[min,max],
"answer_ms":[min,max],"failure_rate":0..1,"acceptance_delay_max_ms":1000,"idempotent":false}; id, secret and, unless it is
polled, callback_url are required.

When everything listens, one JSON line with the URLs goes to stdout; all else goes to stderr.
Exit codes: 0 stopped by SIGTERM or SIGINT, 1 could not listen, 2 bad configuration.`;

await new Command('provider-simulator')
  .description('Real HTTP providers with programmable, seeded faults, and the truth about what they did.')
  .option('--port <number>', 'port of the admin API, 0 for a free one', portNumber, 0)
  .option('--host <address>', 'address to listen on', '127.0.0.1')
  .option('--seed <text>', 'decides every fault, outcome and delay', '1')
  .option('--providers <file>', 'JSON array of providers (else the variable SIMULATOR_PROVIDERS)')
  .option('--state <file>', 'keep what the providers know over a stop and a start')
  .addHelpText('after', HELP)
  .action(run)
  .parseAsync();

async function run(flags: Flags): Promise<void> {
  try {
    const providers = loadProviders(flags.providers, process.env.SIMULATOR_PROVIDERS);
    const simulator = await startSimulator({ ...flags, stateFile: flags.state, providers });
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.once(signal, () => void simulator.stop().then(() => process.exit(0)));
    }
    console.error(`provider-simulator: seed ${flags.seed}`);
    console.log(JSON.stringify({ ready: true, admin: simulator.admin, providers: simulator.providers }));
  } catch (error) {
    console.error(`provider-simulator: ${(error as Error).message}`);
    process.exitCode = error instanceof ConfigError ? 2 : 1;
  }
}

function portNumber(value: string): number {
  const port = Number(value);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new InvalidArgumentError('must be a whole number from 0 to 65535');
  }
  return port;
}
