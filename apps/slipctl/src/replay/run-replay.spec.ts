import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { addMs, instantToMs } from '@slipstream/kernel';
import fc from 'fast-check';
import { holdNote } from '../note.ts';
import type { LoggedRecord, RecordSource, Span } from './records.ts';
import { runReplay } from './run-replay.ts';
import { parseSpeed, ReplayClock, type Speed } from './speed.ts';
import { newState, type ReplayState, readState, writeState } from './state-file.ts';
import { FileTarget, type Target } from './targets.ts';

const start = '2026-11-22T10:00:00.000000Z';
const progress = { update() {}, stop() {} };
const folder = mkdtempSync(join(tmpdir(), 'replay-spec-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A log whose partitions have gaps, and pages of their own size. */
class MemoryLog implements RecordSource {
  readonly #pageMax: number;
  readonly records: readonly LoggedRecord[];

  /** By partition: milliseconds between a record and the one before it. */
  constructor(partitions: readonly (readonly number[])[], pageMax = 3) {
    this.#pageMax = pageMax;
    this.records = partitions.flatMap((gaps, partition) => {
      let ms = 0;
      return gaps.map((gap, index): LoggedRecord => {
        ms += gap;
        const place = { partition, offset: 2 * index, key: `s-${partition}`, headers: {} };
        return { ...place, value: Buffer.from('x'), time: addMs(start, ms), head: null };
      });
    });
  }

  async spans(): Promise<ReadonlyMap<number, Span>> {
    const spans = new Map<number, Span>();
    for (const { partition, offset } of this.records) spans.set(partition, { start: 0, end: offset + 1 });
    return spans;
  }

  async read(partition: number, from: number, end: number, isMeant: (record: LoggedRecord) => boolean) {
    const next = Math.min(end, from + this.#pageMax);
    const within = ({ partition: of, offset }: LoggedRecord) =>
      of === partition && offset >= from && offset < next;
    return { records: this.records.filter((record) => within(record) && isMeant(record)), next };
  }

  async close() {}
}

class MemoryTarget implements Target {
  readonly written: LoggedRecord[] = [];
  onWrite: (records: readonly LoggedRecord[]) => void = () => {};
  async write(records: readonly LoggedRecord[]) {
    this.written.push(...records);
    this.onWrite(records);
  }
  standing = async () => ({});
  discard = async () => {};
  writtenBehind = async (): Promise<ReadonlyMap<number, number>> => new Map();
  async close() {}
}

async function replay(log: MemoryLog, target: Target, more: Partial<Parameters<typeof runReplay>[0]> = {}) {
  let noted = newState({}, new Map());
  let now = 0;
  const replayed = await runReplay({
    ...{ source: log, isMeant: () => true, spans: await log.spans(), target, speed: null as Speed, progress },
    ...{ state: newState({}, new Map()), signal: new AbortController().signal, nowMs: () => (now += 1) },
    note: (state) => {
      noted = state;
    },
    ...more,
  });
  return { replayed, noted };
}

const place = ({ partition, offset }: LoggedRecord) => `${partition}:${offset}`;
const logs = fc.array(fc.array(fc.nat(5), { maxLength: 12 }), { minLength: 1, maxLength: 4 });

describe('a replay', () => {
  it('gives every record once, by time across partitions, and in the order of its partition', async () => {
    await fc.assert(
      fc.asyncProperty(logs, fc.integer({ min: 1, max: 7 }), async (partitions, pageMax) => {
        const log = new MemoryLog(partitions, pageMax);
        const target = new MemoryTarget();
        const { replayed } = await replay(log, target);
        expect(replayed).toMatchObject({ replayed: log.records.length, done: true });
        const sorted = log.records.toSorted(
          (a, b) => instantToMs(a.time) - instantToMs(b.time) || a.partition - b.partition,
        );
        expect(target.written.map(place)).toEqual(sorted.map(place));
      }),
    );
  });

  it('keeps the order of a partition whose times go back', async () => {
    const log = new MemoryLog([
      [5, -3, 1],
      [2, 2],
    ]);
    const target = new MemoryTarget();
    await replay(log, target);
    expect(target.written.filter(({ partition }) => partition === 0).map(({ offset }) => offset)).toEqual([
      0, 2, 4,
    ]);
  });

  it('goes on without a gap or a repeat wherever it was interrupted, of what is meant', async () => {
    await fc.assert(
      fc.asyncProperty(logs, fc.nat(30), fc.nat(2), async (partitions, at, rest) => {
        const log = new MemoryLog(partitions);
        const isMeant = ({ offset }: LoggedRecord) => (offset / 2) % 3 !== rest;
        const target = new MemoryTarget();
        const interrupt = new AbortController();
        let left = at;
        const source: RecordSource = {
          spans: () => log.spans(),
          close: () => log.close(),
          read: (...range) => {
            if (left-- === 0) interrupt.abort();
            return log.read(...range);
          },
        };
        const { noted } = await replay(log, target, { isMeant, source, signal: interrupt.signal });
        const end = await replay(log, target, { isMeant, state: noted });
        expect(end.replayed.done).toBe(true);
        const meant = log.records.filter(isMeant).map(place);
        expect(target.written.map(place).sort()).toEqual(meant.sort());
        expect(end.replayed.replayed).toBe(meant.length);
      }),
    );
  });

  it('waits out a gap that is longer than a timer of Node takes', async () => {
    const log = new MemoryLog([[0, 60 * 86_400_000]]);
    const target = new MemoryTarget();
    const interrupt = new AbortController();
    setTimeout(() => interrupt.abort(), 50);
    const { replayed } = await replay(log, target, { speed: 1, signal: interrupt.signal });
    expect([target.written.map(place), replayed.done]).toEqual([['0:0'], false]);
  });

  it('goes on behind what its target has, though nobody noted it', async () => {
    const log = new MemoryLog([[1, 1, 1, 1]]);
    const target = new MemoryTarget();
    target.writtenBehind = async () => new Map([[0, 4]]);
    await replay(log, target);
    expect(target.written.map(place)).toEqual(['0:4', '0:6']);
  });
});

describe('a file of lines', () => {
  it('is cut off where the replay was noted last, and goes on from there', async () => {
    const log = new MemoryLog([
      [0, 1, 2, 3],
      [1, 1, 1],
    ]);
    const whole = join(folder, 'whole');
    const state = join(folder, 'state');
    const meant = { what: 1 };
    const target = await FileTarget.open(whole, false);
    await replay(log, target, {
      state: newState(meant, new Map()),
      note: (noted) => writeState(state, noted),
    });
    await target.close();
    const lines = readFileSync(whole, 'utf8');
    expect(lines.split('\n')).toHaveLength(8);
    // It was killed behind its first three lines, with more of a later run behind them.
    const [first, second, third] = lines.split('\n');
    const kept = `${first}\n${second}\n${third}\n`;
    const cut = join(folder, 'cut');
    writeFileSync(cut, `${kept}${'x'.repeat(5_000)}`);
    const positions = { 0: 4, 1: 1 };
    writeState(state, {
      ...newState(meant, new Map()),
      positions,
      replayed: 3,
      standing: { bytes: kept.length },
    });
    const again = await FileTarget.open(cut, true);
    await replay(log, again, { state: readState(state, meant) });
    await again.close();
    expect(readFileSync(cut, 'utf8')).toBe(lines);
  });

  it('is gone where nothing came of it: it would keep the next replay from beginning', async () => {
    const file = join(folder, 'nothing');
    const target = await FileTarget.open(file, false);
    await target.discard();
    await target.close();
    const again = await FileTarget.open(file, false);
    await again.close();
  });

  it('is never written over', async () => {
    const file = join(folder, 'there');
    writeFileSync(file, 'mine');
    await expect(FileTarget.open(file, false)).rejects.toThrow('is there already');
    await expect(FileTarget.open(join(folder, 'none'), true)).rejects.toThrow('cannot be written');
    expect(readFileSync(file, 'utf8')).toBe('mine');
  });
});

describe('the state of a replay', () => {
  const file = join(folder, 'noted');
  const state: ReplayState = newState({ type: ['a'], from: start }, new Map([[0, { start: 2, end: 7 }]]));
  it('is of that replay alone', () => {
    writeState(file, state);
    expect(readState(file, { type: ['a'], from: start })).toEqual(state);
    expect(() => readState(file, { type: ['b'], from: start })).toThrow('another replay');
    expect(() => readState(file, { type: ['a'], from: start, to: start })).toThrow('began with, without to');
    // Said as `1h`, it is another time now.
    expect(() => readState(file, { type: ['a'], from: addMs(start, 1) })).toThrow(
      `began with, from=${start}`,
    );
    expect(() => readState(join(folder, 'nowhere'), {})).toThrow('no replay to go on with');
    writeFileSync(file, '{}');
    expect(() => readState(file, {})).toThrow('no state of a replay');
  });

  it.each([
    ...['positions', 'ends', 'standing', 'id', 'of'].map((name) => ({ [name]: null })),
    ...['x', -5, 1.5, null].flatMap((place) => [
      { positions: { 0: place } },
      { ends: { 0: place } },
      { replayed: place },
      { standing: { offsets: { 0: place } } },
    ]),
    ...[{ standing: { bytes: 'x' } }, { standing: { bytes: -1 } }, { unseen: { slips: 5 } }],
  ])('that is damaged is none: %j', (damage) => {
    writeFileSync(file, JSON.stringify({ ...state, ...damage }));
    expect(() => readState(file, state.of)).toThrow('no state of a replay');
  });

  it('is held by one process at a time, and by none that was killed', () => {
    const held = join(folder, 'held');
    const { pid } = spawnSync(process.execPath, ['--version']);
    writeFileSync(`${held}.${pid}.held`, '');
    const letGo = holdNote(held, 'replay');
    expect(readdirSync(folder).filter((name) => name.endsWith('.held'))).toEqual([
      `held.${process.pid}.held`,
    ]);
    // Of a note whose name only begins so.
    writeFileSync(`${held}.x.${process.ppid}.held`, '');
    holdNote(held, 'replay');
    writeFileSync(`${held}.${process.ppid}.held`, '');
    expect(() => holdNote(held, 'replay')).toThrow(`process ${process.ppid} is at the replay of`);
    expect(existsSync(`${held}.${process.pid}.held`)).toBe(false);
    letGo();
  });
});

describe('the clock of a replay', () => {
  it.each([
    ['max', null],
    ['real', 1],
    ['10x', 10],
    ['0.5x', 0.5],
    ['0x', undefined],
    ['fast', undefined],
  ])('reads %s', (text, speed) => expect(parseSpeed(text)).toBe(speed));

  it('goes so many times as fast as the log', () => {
    let now = 1_000;
    const clock = new ReplayClock(10, () => now);
    expect(clock.waitMs(start)).toBe(0);
    expect(clock.waitMs(addMs(start, 5_000))).toBe(500);
    now += 400;
    expect(clock.waitMs(addMs(start, 5_000))).toBe(100);
    now += 400;
    expect(clock.waitMs(addMs(start, 5_000))).toBe(0);
    expect(new ReplayClock(null, () => now).waitMs(addMs(start, 5_000))).toBe(0);
  });
});
