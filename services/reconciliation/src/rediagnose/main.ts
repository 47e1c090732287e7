import { runLogProgram } from '../log-program.ts';
import { runRediagnosis } from './run-rediagnosis.ts';

/** Makes the diagnoses of the log again. `slipctl reconcile diagnoses` shows them. */
await runLogProgram('slipstream-rediagnosis', runRediagnosis, process);
