import { runLogProgram } from '../log-program.ts';
import { runBacktest } from './run-backtest.ts';

/** What other rules would have done with the log. `slipctl backtest` shows it. */
await runLogProgram('slipstream-backtest', runBacktest, process);
