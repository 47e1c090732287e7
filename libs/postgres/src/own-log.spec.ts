import { describe, expect, it } from '@jest/globals';
import { judgeOwnLog, type OwnRecord, type SequencerState } from './own-log.ts';

const time = (n: number) => `2026-11-22T10:00:0${n % 10}.000000Z`;
const record = (sequence: number, more: Partial<OwnRecord> = {}): OwnRecord => ({
  sequence,
  incarnation: 5,
  offset: sequence * 10,
  time: time(sequence),
  digest: `event ${sequence}`,
  ...more,
});

/** Numbers 1 to 6 were given out, 1 to 4 sent; the outbox holds all of them. */
function database(more: Partial<SequencerState> = {}): SequencerState {
  const digests = new Map([1, 2, 3, 4, 5, 6].map((n) => [n, `event ${n}`]));
  return { incarnation: 5, nextSeq: 7, sentSeq: 4, endOffset: 41, topicId: 'one', digests, ...more };
}

const judge = (
  records: readonly OwnRecord[],
  state = database(),
  logEnd = 200,
  topicId: string | null = 'one',
) => judgeOwnLog(state, { records, logEnd, topicId });

describe('a database and its own log', () => {
  it('agree when nothing of its own lies behind the cursor', () => {
    expect(judge([])).toEqual({ kind: 'current' });
  });

  it('agree when what lies there is an earlier send that came again', () => {
    expect(judge([record(3, { offset: 50 }), record(4, { offset: 51 })])).toEqual({ kind: 'current' });
    const pruned = database({ digests: new Map([[5, 'event 5']]) });
    expect(judge([record(3, { offset: 50 })], pruned)).toEqual({ kind: 'current' });
  });

  it('after a crash between send and cursor: the cursor follows what is there', () => {
    expect(judge([record(5)])).toEqual({ kind: 'sent', sentSeq: 5, endOffset: 51 });
    expect(judge([record(4, { offset: 45 }), record(5), record(6), record(5, { offset: 70 })])).toEqual({
      kind: 'sent',
      sentSeq: 6,
      endOffset: 61,
    });
  });

  it.each([
    [
      'the topic has numbers that were never given out',
      [record(5), record(6), record(7), record(8)],
      {},
      8,
      6,
    ],
    [
      'the topic has other events under them',
      [record(5, { digest: 'x' }), record(6, { digest: 'y' })],
      {},
      6,
      4,
    ],
    ['only the last differs', [record(5), record(6, { digest: 'y' })], {}, 6, 5],
    ['a number already sent stands for another event', [record(4, { digest: 'x', offset: 50 })], {}, 4, 4],
    ['the outbox has no such row', [record(5)], { digests: new Map() }, 5, 4],
    ['the topic is in a later incarnation', [record(5, { incarnation: 6 })], {}, 5, 4],
    ['the cursor was kept by a process that outlived the commits', [], { sentSeq: 9 }, 9, 9],
  ])('the database is older: %s', (_, records, state, lastSeq, sharedSeq) => {
    expect(judge(records, database(state))).toMatchObject({ kind: 'older', lastSeq, sharedSeq });
  });

  it('says where the log ends for a new incarnation', () => {
    const records = [record(5), record(7, { incarnation: 8 }), record(6, { offset: 90 })];
    expect(judge(records)).toMatchObject({
      kind: 'older',
      lastSeq: 7,
      lastIncarnation: 8,
      lastTime: time(7),
      endOffset: 91,
      why: 'the topic has number 7 of incarnation 8, and 7 would be given out next',
    });
  });

  it('do not belong together where the topic is another one of the name, whatever their numbers say', () => {
    for (const records of [[], [record(5)], [record(9)]])
      expect(judge(records, database(), 200, 'other')).toMatchObject({ kind: 'another_log' });
    expect(judge([], database(), 40, 'other')).toMatchObject({ kind: 'another_log' });
    // Nothing was sent yet, a release before this one kept no id, or the brokers tell none.
    expect(judge([], database({ sentSeq: 0, endOffset: 0 }), 200, 'other')).toEqual({ kind: 'current' });
    expect(judge([], database({ topicId: null }))).toEqual({ kind: 'current' });
    expect(judge([], database(), 200, null)).toEqual({ kind: 'current' });
  });

  it('a log that ends before the cursor has lost records', () => {
    expect(judge([], database(), 40)).toMatchObject({ kind: 'log_lost' });
    expect(judge([], database(), 41)).toEqual({ kind: 'current' });
  });
});
