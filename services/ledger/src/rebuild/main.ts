import { setTimeout as sleep } from 'node:timers/promises';
import { StartError } from '@slipstream/kernel';
import { openDataSource, UnitOfWork } from '@slipstream/postgres';
import {
  type Ending,
  keptShadows,
  lockShadow,
  projections,
  rebuild,
  schemaOf,
} from '../adapters/postgres/rebuild/rebuild.ts';
import { resumeShadow } from '../adapters/postgres/rebuild/resume.ts';
import { readRebuildConfig } from '../config.ts';
import { sha256, transactionId } from '../digests.ts';

/**
 * Rebuilds a projection beside a ledger at work: `main.js list`, or `main.js NAME keep|swap|drop`, with the role that owns the tables in
 * DATABASE_URL. Each line that it prints is a JSON object: `progress`, and last `result` or `error`. `slipctl projection` shows them.
 */
const [name = '', ending = 'keep'] = process.argv.slice(2);
const statementMsMax = 3_600_000;
const say = (line: object) => console.log(JSON.stringify(line));

try {
  const { databaseUrl: url } = readRebuildConfig(process.env);
  const options = { url, applicationName: 'slipstream-ledger-rebuild', poolMax: 1 };
  const dataSource = await openDataSource({ ...options, statementTimeoutMs: statementMsMax });
  try {
    const unitOfWork = new UnitOfWork(dataSource);
    say({ result: name === 'list' ? await list(unitOfWork) : await rebuildOne(unitOfWork) });
  } finally {
    await dataSource.destroy();
  }
} catch (error) {
  say({
    error: error instanceof Error ? error.message : String(error),
    is_usage: error instanceof StartError || isRefusal(error),
  });
  process.exitCode = 1;
}

async function list(unitOfWork: UnitOfWork) {
  const kept = await keptShadows(unitOfWork);
  return projections.map((one) => ({
    ...{ name: one.name, what: one.what },
    shadow: kept.has(one.name) ? schemaOf(one) : null,
  }));
}

async function rebuildOne(unitOfWork: UnitOfWork) {
  const projection = projections.find((one) => one.name === name);
  if (projection === undefined)
    throw new StartError(
      `there is no projection ${JSON.stringify(name)}; there are`,
      projections.map((one) => one.name),
    );
  await lockShadow(unitOfWork, projection);
  return rebuild(projection, {
    ...{ unitOfWork, hashes: { sha256, transactionId }, ending: ending as Ending },
    onSlips: (done, total) => say({ progress: { done, total } }),
    onLost: resumeShadow(unitOfWork, projection, sleep),
  });
}

/** The database is there, and does not know the login, or has no such database. */
function isRefusal(error: unknown): boolean {
  return ['28000', '28P01', '3D000'].includes((error as { code?: string }).code ?? '');
}
