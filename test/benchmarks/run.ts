import { parseArgs } from 'node:util';
import { core } from './core.ts';

const usage = `usage: npm run bench -- core [options]
  core                   the core against the limits of kafkajs and PostgreSQL on this machine, as ratios
  --rounds N             interleaved rounds (3)
  --events N             events for the raw, append and relay rows (200000)
  --reconciler-events N  events for raw consume, the runner and the reconciler (1000000)
  --ledger-events N      events for the ledger (200000)
  --json FILE            where the JSON goes (.slipstream/bench/core.json)
Exit code 1 when a goal is missed, 2 on wrong usage. Times are never asserted: machines differ, ratios less so.`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '3' },
    events: { type: 'string', default: '200000' },
    'reconciler-events': { type: 'string', default: '1000000' },
    'ledger-events': { type: 'string', default: '200000' },
    json: { type: 'string', default: '.slipstream/bench/core.json' },
    help: { type: 'boolean', default: false },
  },
});
const counts = [values.rounds, values.events, values['reconciler-events'], values['ledger-events']].map(
  Number,
);
if (
  values.help ||
  positionals.length !== 1 ||
  positionals[0] !== 'core' ||
  counts.some((count) => !Number.isSafeInteger(count) || count < 1)
) {
  console.error(usage);
  process.exit(values.help ? 0 : 2);
}
const [rounds, events, reconcilerEvents, ledgerEvents] = counts as [number, number, number, number];
const holds = await core({ rounds, events, reconcilerEvents, ledgerEvents, jsonFile: values.json }, (line) =>
  console.error(line),
);
process.exit(holds ? 0 : 1);
