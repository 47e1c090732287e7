import { fileURLToPath } from 'node:url';
import type { MigrationFolder } from '@slipstream/postgres';

/** The tables of this service. */
export const migrations: MigrationFolder = {
  scope: 'ledger',
  directory: fileURLToPath(new URL('../migrations', import.meta.url)),
  appendOnly: ['event_log', 'aside_log', 'log_node', 'entry', 'checkpoint', 'signing_key'],
};
