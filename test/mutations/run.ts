import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Mutation, mutate, StaleMutation, tierOfAll } from './mutation.ts';
import { mutations } from './mutations.ts';
import { runSpecs } from './run-specs.ts';
import { makeScratch, type Scratch } from './scratch.ts';

const usage = `usage: npm run mutate [-- options]
Makes one line of the code wrong at a time, in a copy of this checkout, and runs the specs that must notice.
  --only NAME   this one only; may be repeated
  --tier TIER   unit or int: only those whose specs are of this tier
  --list        show the mutations, run nothing
  --json        print the results as JSON instead of a table
Exit code 1 when one survives, does not fit the code any more, or its specs fail without it; 2 on wrong usage.`;

/** An integration spec brings up Kafka and PostgreSQL; a mutation may make it wait for what never comes. */
const timeLimitMs = 10 * 60_000;
const root = join(import.meta.dirname, '../..');

interface Result {
  readonly name: string;
  readonly tier: string;
  readonly file: string;
  /** `stale`: the line is not there. `unclear`: the specs fail without it, too, or did not end. */
  readonly verdict: 'killed' | 'survived' | 'stale' | 'unclear';
  /** The first test that failed, or why it is unclear. */
  readonly by: string;
  readonly seconds: number;
}

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true, default: [] },
    tier: { type: 'string' },
    list: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const unknown = values.only.filter((name) => !mutations.some((one) => one.name === name));
if (values.help || unknown.length > 0 || ![undefined, 'unit', 'int'].includes(values.tier)) {
  if (unknown.length > 0) console.error(`unknown: ${unknown.join(' ')}`);
  console.error(usage);
  process.exit(values.help ? 0 : 2);
}
const chosen = mutations.filter(
  ({ name, specs }) =>
    (values.only.length === 0 || values.only.includes(name)) &&
    (values.tier === undefined || tierOfAll(specs) === values.tier),
);
if (values.list) {
  const rows = chosen.map(({ name, file, specs }) => [name, tierOfAll(specs), file, specs.join(' ')]);
  console.log(
    values.json ? JSON.stringify(chosen, null, 2) : table(['mutation', 'tier', 'file', 'specs'], rows),
  );
  process.exit(0);
}
const results = await runAll(chosen);
const rows = results.map(({ name, tier, verdict, seconds, by }) => [name, tier, verdict, `${seconds} s`, by]);
console.log(
  values.json ? JSON.stringify(results, null, 2) : table(['mutation', 'tier', 'verdict', 'took', 'by'], rows),
);
const killed = results.filter(({ verdict }) => verdict === 'killed').length;
console.error(`${killed} of ${results.length} killed`);
process.exit(killed === results.length && results.length > 0 ? 0 : 1);

/** Each mutation alone; a spec is run once without any, because one that fails by itself proves nothing. */
async function runAll(chosen: readonly Mutation[]): Promise<Result[]> {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => stop.abort(new Error(`stopped by ${signal}`)));
  }
  const scratch = makeScratch(root);
  try {
    const sound = new Map<string, string | null>();
    const results: Result[] = [];
    for (const mutation of chosen) {
      const began = performance.now();
      const judged = await judge(mutation, scratch, sound, stop.signal);
      const seconds = Math.round((performance.now() - began) / 100) / 10;
      const tier = tierOfAll(mutation.specs);
      results.push({ name: mutation.name, tier, file: mutation.file, seconds, ...judged });
      console.error(`${judged.verdict.padEnd(8)} ${mutation.name}: ${judged.by}`);
    }
    return results;
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    console.error(String(stop.signal.reason));
    return process.exit(1);
  } finally {
    scratch.remove();
  }
}

/** @param sound by spec: null when it passes without any mutation, else what is wrong with it */
async function judge(
  mutation: Mutation,
  scratch: Scratch,
  sound: Map<string, string | null>,
  stop: AbortSignal,
): Promise<Pick<Result, 'verdict' | 'by'>> {
  const path = join(scratch.root, mutation.file);
  const before = read(path);
  let mutated: string;
  try {
    mutated = mutate(before, mutation);
  } catch (error) {
    if (!(error instanceof StaleMutation)) throw error;
    return { verdict: 'stale', by: error.message };
  }
  for (const spec of mutation.specs) {
    if (!sound.has(spec)) sound.set(spec, await problemOf(spec, scratch, stop));
    const problem = sound.get(spec);
    if (problem) return { verdict: 'unclear', by: problem };
  }
  writeFileSync(path, mutated);
  try {
    const { failed, timedOut } = await runSpecs(scratch.root, mutation.specs, { timeLimitMs, stop });
    if (timedOut) return { verdict: 'unclear', by: `no end within ${timeLimitMs / 1000} s` };
    return failed.length > 0
      ? { verdict: 'killed', by: failed[0]! }
      : { verdict: 'survived', by: mutation.specs.join(' ') };
  } finally {
    writeFileSync(path, before);
  }
}

async function problemOf(spec: string, scratch: Scratch, stop: AbortSignal): Promise<string | null> {
  const { passed, failed, timedOut } = await runSpecs(scratch.root, [spec], { timeLimitMs, stop });
  if (timedOut) return `${spec} does not end without the mutation either`;
  if (failed.length > 0) return `${spec} fails without the mutation, too: ${failed[0]}`;
  return passed === 0 ? `${spec} has no test` : null;
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // the file is gone: no line of it is there
  }
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]!.length)),
  );
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd();
  return [head, ...rows].map(line).join('\n');
}
