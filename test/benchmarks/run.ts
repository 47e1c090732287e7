import { parseArgs } from 'node:util';
import { core } from './core.ts';
import { intake } from './intake.ts';
import { ledger } from './ledger.ts';

const usage = `usage: npm run bench -- core|intake|ledger [options]
  core                   the core against the limits of kafkajs and PostgreSQL on this machine, as ratios
  intake                 slips over HTTP against a bare Nest server, and on the bus against kafkajs, as ratios
  ledger                 the ledger on whole lives against bare rows and one hot account, as ratios
  --rounds N             interleaved rounds (3)
  --events N             events for the raw, append and relay rows (200000)
  --reconciler-events N  events for raw consume, the runner and the reconciler (1000000)
  --ledger-events N      events for the ledger (200000)
  --slips N              slips for the ledger alone, and for intake each way (20000)
  --json FILE            where the JSON goes (.slipstream/bench/NAME.json)
Exit code 1 when a goal is missed, 2 on wrong usage. Times are never asserted: machines differ, ratios less so.`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '3' },
    events: { type: 'string', default: '200000' },
    'reconciler-events': { type: 'string', default: '1000000' },
    'ledger-events': { type: 'string', default: '200000' },
    slips: { type: 'string', default: '20000' },
    json: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
const counts = [
  ...[values.rounds, values.events, values['reconciler-events'], values['ledger-events'], values.slips],
].map(Number);
const [name = ''] = positionals;
if (
  values.help ||
  positionals.length !== 1 ||
  !['core', 'intake', 'ledger'].includes(name) ||
  counts.some((count) => !Number.isSafeInteger(count) || count < 1)
) {
  (values.help ? console.log : console.error)(usage);
  process.exit(values.help ? 0 : 2);
}
const [rounds, events, reconcilerEvents, ledgerEvents, slips] = counts as [
  number,
  number,
  number,
  number,
  number,
];
const jsonFile = values.json ?? `.slipstream/bench/${name}.json`;
const say = (line: string) => console.error(line);
const benches: Readonly<Record<string, () => Promise<boolean>>> = {
  core: () => core({ rounds, events, reconcilerEvents, ledgerEvents, jsonFile }, say),
  intake: () => intake({ rounds, slips, jsonFile }, say),
  ledger: () => ledger({ rounds, slips, jsonFile }, say),
};
process.exit((await benches[name]!()) ? 0 : 1);
