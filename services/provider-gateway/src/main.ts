import { runService } from '@slipstream/service-host';
import { assemble } from './app.module.ts';
import { readConfig } from './config.ts';

await runService(() => assemble(readConfig(process.env)));
