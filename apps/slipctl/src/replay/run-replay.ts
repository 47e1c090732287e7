import { setTimeout as sleep } from 'node:timers/promises';
import { timerMsMax } from '../duration.ts';
import type { Progress } from '../output/terminal.ts';
import type { LoggedRecord, RecordSource, Span } from './records.ts';
import { ReplayClock, type Speed } from './speed.ts';
import type { ReplayState } from './state-file.ts';
import type { Target } from './targets.ts';
import { TimeOrder } from './time-order.ts';

/** Records that are written at once, and how often it is noted how far they came. */
const batchMax = 2_000;
const noteEveryMs = 1_000;

export interface ReplayOptions {
  readonly source: RecordSource;
  readonly isMeant: (record: LoggedRecord) => boolean;
  /** What is looked at; of a replay that goes on, all of it. */
  readonly spans: ReadonlyMap<number, Span>;
  readonly target: Target;
  readonly speed: Speed;
  readonly state: ReplayState;
  /** Is told how far the replay has come, about once a second and at the end. */
  readonly note: (state: ReplayState) => void;
  /** Ends it before its end. */
  readonly signal: AbortSignal;
  readonly nowMs: () => number;
  readonly progress: Progress;
}

export interface Replayed {
  /** With what an earlier run of it did. */
  readonly replayed: number;
  /** Records of the log that were looked at, by this run. */
  readonly read: number;
  readonly seconds: number;
  /** False: it was interrupted. */
  readonly done: boolean;
}

/** Writes what is meant, in order and at its speed; whatever ends it, the note says how far it came. */
export async function runReplay(options: ReplayOptions): Promise<Replayed> {
  const { source, isMeant, target, speed, note, signal, nowMs, progress } = options;
  const begun = nowMs();
  let { state } = options;
  if (Object.keys(state.standing).length === 0) {
    // Noted once, before anything is written: of a partition that gets nothing for long, this is how far it had come.
    state = { ...state, standing: await target.standing() };
    note(state);
  }
  const spans = await leftOf(options, state);
  const order = new TimeOrder(source, spans, isMeant);
  const clock = new ReplayClock(speed, nowMs);
  const total = sum(spans, ({ start, end }) => end - start);
  const readSoFar = () => {
    const positions = order.positions();
    return total - sum(spans, ({ end }, partition) => end - positions.get(partition)!);
  };
  let batch: LoggedRecord[] = [];
  let notedAt = nowMs();
  const flush = async (isLast = false) => {
    if (batch.length > 0) await target.write(batch);
    const replayed = state.replayed + batch.length;
    batch = [];
    state = { ...state, replayed, positions: Object.fromEntries(order.positions()) };
    progress.update(readSoFar(), total, `${replayed} replayed`);
    if (!isLast && nowMs() - notedAt < noteEveryMs) return;
    notedAt = nowMs();
    state = { ...state, standing: await target.standing() };
    note(state);
  };
  let head = await order.head();
  for (; head !== null && !signal.aborted; head = await order.head()) {
    const waitMs = clock.waitMs(head.time);
    if (batch.length === batchMax || (waitMs > 0 && batch.length > 0)) await flush();
    if (waitMs > 0) await sleep(Math.min(waitMs, timerMsMax), undefined, { signal }).catch(() => {});
    if (signal.aborted) break;
    // A longer wait than a timer takes.
    if (waitMs > timerMsMax) continue;
    batch.push(head);
    order.take();
  }
  await flush(true);
  const seconds = (nowMs() - begun) / 1_000;
  return { replayed: state.replayed, read: readSoFar(), seconds, done: head === null };
}

/** Of each partition what was not replayed yet, as the state and the target itself say. */
async function leftOf(
  { spans, target }: ReplayOptions,
  state: ReplayState,
): Promise<ReadonlyMap<number, Span>> {
  const written = await target.writtenBehind(state.standing);
  return new Map(
    [...spans].map(([partition, { start, end }]) => {
      const noted = state.positions[partition] ?? start;
      return [partition, { start: Math.min(end, Math.max(noted, written.get(partition) ?? 0)), end }];
    }),
  );
}

function sum(spans: ReadonlyMap<number, Span>, of: (span: Span, partition: number) => number): number {
  return [...spans].reduce((total, [partition, span]) => total + of(span, partition), 0);
}
