import { withServers } from './core.ts';
import { hotAccount, type LedgerRun, ledgerIngest, unnestEvents } from './ledger-workloads.ts';
import { type Row, type Spread, spread } from './measure.ts';
import { chartsOf, report, table, writeResult } from './report.ts';

export interface LedgerOptions {
  readonly rounds: number;
  readonly slips: number;
  readonly jsonFile: string;
}

const hotTransactions = 4_000;

const row = (name: string, against: string | null, floor: number | null): Row => ({
  ...{ name, against, floor },
  samples: [],
});

/** The ledger against this machine's limits, interleaved: events against bare rows, transactions against one hot account. */
export async function ledger(options: LedgerOptions, say: (line: string) => void): Promise<boolean> {
  const rows = {
    unnest: row('raw unnest insert', null, null),
    hot: row('one hot account, one transaction each', null, null),
    events: row('ledger events', 'raw unnest insert', 0.4),
    transactions: row('ledger transactions', 'one hot account, one transaction each', 10),
  };
  const runs: LedgerRun[] = [];
  for (let round = 1; round <= options.rounds; round++) {
    say(`round ${round} of ${options.rounds}: ${options.slips} slips`);
    await withServers(round, async (bench) => {
      rows.unnest.samples.push(await unnestEvents(bench, options.slips));
      rows.hot.samples.push(await hotAccount(bench, hotTransactions));
      const run = await ledgerIngest(bench, options.slips);
      rows.events.samples.push(run.events);
      rows.transactions.samples.push(run.transactions);
      runs.push(run);
    });
  }
  const reported = report(Object.values(rows));
  const written: Readonly<Record<string, Spread>> = {
    rows_per_slip: spread(runs.map(({ rowsPerSlip }) => rowsPerSlip)),
    wal_bytes_per_slip: spread(runs.map(({ walBytesPerSlip }) => walBytesPerSlip)),
  };
  console.log(table(reported));
  for (const [name, { median }] of Object.entries(written)) console.log(`${name}: ${median.toFixed(1)}`);
  const bars = Object.entries(written).map(([name, { median }]) => ({
    title: name,
    bars: [{ name: 'ledger', value: median }],
  }));
  writeResult(options.jsonFile, { options, rows: reported, written }, [...chartsOf(reported), ...bars]);
  return reported.every((one) => one.holds !== false);
}
