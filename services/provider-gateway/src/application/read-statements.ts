import { backoffMs, type WaitLimits } from '@slipstream/kernel';
import { daysToRead } from '../domain/statement/days.ts';
import { Changes } from './apply.ts';
import type {
  ClaimedStatement,
  Count,
  FetchedStatement,
  Providers,
  Random,
  StatementLine,
  StatementSource,
  Store,
  StoreTx,
  UnmatchedLine,
} from './ports.ts';
import { type CallbackHandling, countHandling, handleMessage } from './receive-callbacks.ts';

/** Lines of one transaction: a few milliseconds, so that nothing else waits for them. */
const linesMax = 500;
/** How long a statement is nobody else's; each transaction begins it anew. */
const leaseMs = 120_000;
const retry: WaitLimits = { minMs: 30_000, maxMs: 3_600_000 };

export interface StatementParts {
  readonly store: Store;
  readonly providers: Providers;
  readonly count: Count;
  readonly random: Random;
  /** Why the clocks cannot be trusted now: then nobody knows which day is over; null: they can. */
  readonly clockTrouble: () => string | null;
}

/**
 * Reads the next daily statement that is whole: every line is evidence of the first rank about its slip (rule 2). What each says is
 * told once however often it is read, so it is read from its beginning where it has changed, and else from where it stood. A line
 * without a slip, or that cannot be read, is kept for people.
 * @returns how many statements were dealt with, also in vain
 */
export async function readStatements(parts: StatementParts): Promise<number> {
  const sources = sourcesOf(parts.providers);
  if (sources.size === 0 || parts.clockTrouble() !== null) return 0;
  const claimed = await parts.store.run((tx) => claim(tx, sources));
  if (claimed === null) return 0;
  const fetched = await sources.get(claimed.provider)!.fetch(claimed.day);
  if (fetched.kind === 'statement') await handle(parts, claimed, fetched);
  else await putOff(parts, claimed, fetched.detail);
  return 1;
}

function sourcesOf(providers: Providers): ReadonlyMap<string, StatementSource> {
  return new Map(
    [...providers.values()].flatMap(({ id, statements }) => (statements ? [[id, statements] as const] : [])),
  );
}

async function claim(
  tx: StoreTx,
  sources: ReadonlyMap<string, StatementSource>,
): Promise<ClaimedStatement | null> {
  const [now, latest] = await Promise.all([tx.now(), tx.statements.latestDays()]);
  const days = [...sources].flatMap(([provider, terms]) =>
    daysToRead(now, terms, latest.get(provider) ?? null).map((day) => ({ provider, day })),
  );
  if (days.length > 0) tx.statements.add(days);
  return tx.statements.claim([...sources.keys()], leaseMs);
}

async function putOff(
  { store, random }: StatementParts,
  claimed: ClaimedStatement,
  why: string,
): Promise<void> {
  const waitMs = Math.round(backoffMs(claimed.tries, retry, random()));
  await store.run(async (tx) => tx.statements.putOff(claimed, why, waitMs));
}

async function handle(
  parts: StatementParts,
  claimed: ClaimedStatement,
  { digest, lines }: Extract<FetchedStatement, { kind: 'statement' }>,
): Promise<void> {
  // A cache gave it: read as this day's, the lines that this day really had would never be told.
  const otherDay = await parts.store.run((tx) => tx.statements.dayOf(claimed, digest));
  if (otherDay !== null) return putOff(parts, claimed, `it is the statement of ${otherDay} once more`);
  const isKnown = claimed.digest === digest;
  if (!isKnown && claimed.digest !== null)
    await parts.store.run(async (tx) => tx.statements.restart(claimed));
  let handled = isKnown ? claimed.handled : 0;
  let unmatched = isKnown ? claimed.unmatched : 0;
  for (const chunk of chunks(lines, handled)) {
    const kept = await handleLines(parts, claimed, chunk, (more) => ({
      ...{ digest, handled: handled + chunk.length, unmatched: unmatched + more },
    }));
    // Another instance took it over, for this one stood still.
    if (kept === null) return;
    handled += chunk.length;
    unmatched += kept;
  }
  await parts.store.run(async (tx) => tx.statements.finish(claimed, digest));
}

function* chunks(lines: Iterable<StatementLine>, from: number): Iterable<readonly StatementLine[]> {
  let chunk: StatementLine[] = [];
  let at = 0;
  for (const line of lines) {
    at += 1;
    if (at > from) chunk.push(line);
    if (chunk.length < linesMax) continue;
    yield chunk;
    chunk = [];
  }
  if (chunk.length > 0) yield chunk;
}

/** @returns how many had no slip; null: the statement is another instance's by now */
async function handleLines(
  { store, providers, count }: StatementParts,
  claimed: ClaimedStatement,
  lines: readonly StatementLine[],
  progress: (unmatched: number) => { digest: string; handled: number; unmatched: number },
): Promise<number | null> {
  const { provider } = claimed;
  const result = await store.run(async (tx) => {
    if (!(await tx.statements.hold(claimed))) return null;
    const slipIds = lines.flatMap((line) => ('slipId' in line ? [line.slipId] : []));
    const { now, rows } = await tx.dispatches.lock([...new Set(slipIds)]);
    const changes = new Changes(rows);
    const unmatched: UnmatchedLine[] = [];
    const handlings: CallbackHandling[] = [];
    for (const { line, said, ...message } of lines) {
      if ('problem' in message) {
        unmatched.push({ line, said, slipId: null, problem: message.problem });
        continue;
      }
      const handling = handleMessage(changes, provider, message, now, providers, 'statement_line');
      if (handling === 'orphan') unmatched.push({ line, said, slipId: message.slipId, problem: null });
      else handlings.push(handling);
    }
    tx.statements.keep(claimed, unmatched);
    tx.statements.advance(claimed, progress(unmatched.length), leaseMs);
    await changes.write(tx);
    return { unmatched: unmatched.length, handlings };
  });
  if (result === null) return null;
  for (const one of result.handlings) countHandling(one, count);
  if (result.unmatched > 0) count('unmatched_statement_line', result.unmatched);
  return result.unmatched;
}
