import { totalmem } from 'node:os';
import { freshDataDir, runCommand, startEnvironment } from '@slipstream/environment';
import { atOnce } from './at-once.ts';
import { checks } from './checks.ts';
import { jestTier } from './jest-tier.ts';
import { runSteps, type Step, summary } from './steps.ts';

const unit = jestTier({
  name: 'unit and property tests',
  files: '(?<!\\.(int|e2e))\\.spec\\.ts$',
  args: ['--maxWorkers=2'],
});

/** A worker, and often a broker of its own. */
const intWorkers = `--maxWorkers=${atOnce(5, 1, totalmem())}`;

/** All files share one environment; databases and topic prefixes of their own keep them apart. */
const integration: Step = {
  name: 'integration tests',
  async run(stop) {
    const environment = await startEnvironment({ dataDir: freshDataDir() });
    try {
      const env = {
        KAFKA_BROKERS: environment.kafkaBrokers.join(','),
        DATABASE_URL: environment.databaseUrl,
      };
      const tier = { name: this.name, files: '\\.int\\.spec\\.ts$', args: [intWorkers], env };
      return await jestTier(tier).run(stop);
    } finally {
      await environment.stop();
    }
  },
};

/** Each file boots stacks of its own. */
const endToEnd = jestTier({
  name: 'end-to-end tests',
  files: '\\.e2e\\.spec\\.ts$',
  args: [`--maxWorkers=${atOnce(3, 2, totalmem())}`],
});

const PARTS: Record<string, Step[]> = {
  checks,
  unit: [unit],
  int: [integration],
  e2e: [endToEnd],
};

const wanted = process.argv.slice(2);

await runCommand(async (stop) => {
  const unknown = wanted.filter((part) => !Object.hasOwn(PARTS, part));
  if (unknown.length > 0) {
    console.error(`unknown: ${unknown.join(' ')}\nsee: npm test -- --help`);
    return 2;
  }
  const parts = wanted.length > 0 ? wanted : Object.keys(PARTS);
  const steps = parts.flatMap((part) => PARTS[part]!);
  const total = await runSteps(steps, stop);
  console.log(summary(total));
  return total.failed > 0 || total.passed === 0 ? 1 : 0;
});
