import { parseArgs } from 'node:util';
import { core } from './core.ts';
import { endToEnd } from './end-to-end.ts';
import { idle } from './idle.ts';
import { intake } from './intake.ts';
import { ledger } from './ledger.ts';
import { query } from './query.ts';
import { reconciler } from './reconciler.ts';

const usage = `usage: npm run bench -- core|end-to-end|idle|intake|ledger|query|reconciler [options]
  core                   the core against the limits of kafkajs and PostgreSQL on this machine, as ratios
  end-to-end             slips from a request to a settlement read from Kafka: rate, latency at shares of it, CPU
  idle                   what the whole stack costs while nothing happens: with no, one and many slips open, imports closed
  intake                 slips over HTTP against a bare Nest server, and on the bus against kafkajs, as ratios
  ledger                 the ledger on whole lives against bare rows and one hot account, as ratios
  query                  a page of each list with each filter, and a slip, with ever more slips in the books
  reconciler             the reconciler beside Kafka Streams on the same slips; with ever more slips open; its starts
  --rounds N             interleaved rounds (3); of the reconciler also 0: only the rows of --open
  --events N             core: events for the raw, append and relay rows (200000)
  --reconciler-events N  core: events for raw consume, the runner and the reconciler (1000000)
  --ledger-events N      core: events for the ledger (200000)
  --slips N              slips for the ledger alone, for intake each way, end to end (20000), for the reconciler's catch-up (170000)
  --peers DIR            end to end: where Temporal and pg-boss were laid out and built; without it they are left out
  --kafka-streams DIR    reconciler: where the peer was built (target and libs in it); without it the peer is left out
  --open N,N,…           reconciler: slips open at a time, the first is what the others are held against
                         (10000,1000,100000,1000000); a million also tells how long a start takes; 0: none
                         idle: slips that are open (1,100000); 0: none
                         query: slips in the books (10000,100000,1000000)
  --seconds N            idle: of each measurement (30)
  --closed-imports N     idle: imports begun and closed before the last one (10000); 0: none
  --live-rate N          reconciler: slips a second while latency is measured (500); 0: it is not
  --live-seconds N       reconciler: for so long (20)
  --json FILE            where the JSON goes (.slipstream/bench/NAME.json); a chart lies beside it, as SVG
Exit code 1 when a goal is missed, 2 on wrong usage. Times are never asserted: machines differ, ratios less so.`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '3' },
    events: { type: 'string', default: '200000' },
    'reconciler-events': { type: 'string', default: '1000000' },
    'ledger-events': { type: 'string', default: '200000' },
    slips: { type: 'string' },
    peers: { type: 'string' },
    'kafka-streams': { type: 'string' },
    open: { type: 'string' },
    seconds: { type: 'string', default: '30' },
    'closed-imports': { type: 'string', default: '10000' },
    'live-rate': { type: 'string', default: '500' },
    'live-seconds': { type: 'string', default: '20' },
    json: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

function tellUsage(code: 0 | 2): never {
  (code === 0 ? console.log : console.error)(usage);
  process.exit(code);
}

function count(text: string, least = 1): number {
  const number = Number(text);
  return Number.isSafeInteger(number) && number >= least ? number : tellUsage(2);
}

const counts = (text: string) => (text === '0' ? [] : text.split(',').map((one) => count(one)));
const say = (line: string) => console.error(line);
const [name = ''] = positionals;
const jsonFile = values.json ?? `.slipstream/bench/${name}.json`;
const benches: Readonly<Record<string, () => Promise<boolean>>> = {
  core: () =>
    core(
      {
        rounds: count(values.rounds),
        events: count(values.events),
        reconcilerEvents: count(values['reconciler-events']),
        ledgerEvents: count(values['ledger-events']),
        jsonFile,
      },
      say,
    ),
  'end-to-end': () =>
    endToEnd(
      {
        rounds: count(values.rounds),
        slips: count(values.slips ?? '20000'),
        peersFolder: values.peers ?? null,
        jsonFile,
      },
      say,
    ),
  idle: () =>
    idle(
      {
        seconds: count(values.seconds),
        open: counts(values.open ?? '1,100000'),
        closedImports: count(values['closed-imports'], 0),
        jsonFile,
      },
      say,
    ),
  intake: () =>
    intake({ rounds: count(values.rounds), slips: count(values.slips ?? '20000'), jsonFile }, say),
  ledger: () =>
    ledger({ rounds: count(values.rounds), slips: count(values.slips ?? '20000'), jsonFile }, say),
  query: () =>
    query(
      { rounds: count(values.rounds) * 5, slips: counts(values.open ?? '10000,100000,1000000'), jsonFile },
      say,
    ),
  reconciler: () =>
    reconciler(
      {
        rounds: count(values.rounds, 0),
        slips: count(values.slips ?? '170000'),
        open: counts(values.open ?? '10000,1000,100000,1000000'),
        liveRate: count(values['live-rate'], 0),
        liveSeconds: count(values['live-seconds']),
        peerFolder: values['kafka-streams'] ?? null,
        jsonFile,
      },
      say,
    ),
};
const bench = Object.hasOwn(benches, name) && positionals.length === 1 ? benches[name] : undefined;
if (values.help || !bench) tellUsage(values.help ? 0 : 2);
process.exit((await bench()) ? 0 : 1);
