import { describe, expect, it } from '@jest/globals';
import { type Chunk, type ChunkPlan, planChunk, positionAfter, type SetAside } from './chunk.ts';
import type { PartitionPosition } from './ports.ts';
import { eventMessage, message, source } from './test-support/records.ts';

function position(overrides: Partial<PartitionPosition> = {}): PartitionPosition {
  const at = { group: 'g', topic: 't', partition: 3, epoch: 1, nextOffset: 0 };
  return { ...at, sequences: new Map(), parkedKeys: new Set(), ...overrides };
}

function plan(overrides: Partial<ChunkPlan>): Chunk {
  const none = new Map<number, SetAside>();
  return planChunk({
    position: position(),
    sequenced: true,
    messages: [],
    from: 0,
    recordsMax: 100,
    setAside: none,
    ...overrides,
  });
}

const offsets = (records: readonly { offset: number }[]) => records.map(({ offset }) => offset);
const failed: SetAside = { reason: 'failed', errorClass: 'TypeError', detail: 'boom', attempts: 3 };

describe('planning a chunk', () => {
  it('takes records in order and moves behind the last', () => {
    const chunk = plan({ messages: [eventMessage(0, 1), eventMessage(1, 2), eventMessage(4, 3)] });
    expect(offsets(chunk.records)).toEqual([0, 1, 4]);
    expect(chunk).toMatchObject({ nextOffset: 5, end: 3, lost: null });
    expect([...chunk.sequences]).toEqual([[source, 3]]);
    expect(chunk.records[0]).toMatchObject({ topic: 't', partition: 3, source, sequence: 1 });
  });

  it('skips records below the stored offset', () => {
    const messages = [eventMessage(7, 1), eventMessage(8, 2), eventMessage(9, 3)];
    const at = position({ nextOffset: 8, sequences: new Map([[source, 1]]) });
    expect(offsets(plan({ messages, position: at }).records)).toEqual([8, 9]);
  });

  it('ends at the limit of records and goes on from there', () => {
    const messages = [eventMessage(0, 1), eventMessage(1, 2), eventMessage(2, 3)];
    const first = plan({ messages, recordsMax: 2 });
    expect(first).toMatchObject({ end: 2, nextOffset: 2 });
    const second = plan({ messages, recordsMax: 2, from: 2, position: positionAfter(position(), first) });
    expect(offsets(second.records)).toEqual([2]);
  });

  it('shows resends without handing them to the handler', () => {
    const messages = [
      eventMessage(0, 1),
      eventMessage(1, 2),
      eventMessage(2, 1),
      eventMessage(3, 2),
      eventMessage(4, 3),
    ];
    const chunk = plan({ messages });
    expect(offsets(chunk.records)).toEqual([0, 1, 4]);
    expect(offsets(chunk.resent)).toEqual([2, 3]);
    expect(chunk.nextOffset).toBe(5);
  });

  it('counts each source apart', () => {
    const other = { from: '/slipstream/intake' };
    const messages = [
      eventMessage(0, 1),
      eventMessage(1, 1, other),
      eventMessage(2, 2),
      eventMessage(3, 2, other),
    ];
    expect(plan({ messages }).records).toHaveLength(4);
  });

  it.each([
    ['after a known one', new Map([[source, 4]]), 6, /seq 6 of .* after 4: 1 record\(s\) lost/],
    ['at a source’s very beginning', new Map<string, number>(), 3, /seq 3 of .* after 0: 2 record\(s\) lost/],
  ])('stops before a jump in seq %s', (_, sequences, sequence, text) => {
    const chunk = plan({ messages: [eventMessage(0, sequence)], position: position({ sequences }) });
    expect(chunk.lost).toMatch(text);
    expect(chunk).toMatchObject({ end: 0, nextOffset: 0, records: [] });
  });

  it('keeps what came before a jump', () => {
    const chunk = plan({ messages: [eventMessage(0, 1), eventMessage(1, 2), eventMessage(2, 9)] });
    expect(offsets(chunk.records)).toEqual([0, 1]);
    expect(chunk).toMatchObject({ end: 2, nextOffset: 2 });
    expect(chunk.lost).not.toBeNull();
  });

  it.each([
    ['null', null],
    ['empty', Buffer.alloc(0)],
    ['not protobuf', Buffer.from('not json either')],
    ['a JSON array', Buffer.from('[1,2]')],
    ['an event without sequence', Buffer.from('\n\x01a\x12\x01b\x22\x01c')],
  ])('sets a value aside that is %s, and parks its key', (_, value) => {
    const chunk = plan({
      messages: [message(0, value, 'slip-9'), eventMessage(1, 1, { key: 'slip-9' }), eventMessage(2, 2)],
    });
    expect(offsets(chunk.records)).toEqual([2]);
    expect(chunk.deadLetters.map(({ reason, parkKey }) => [reason, parkKey])).toEqual([
      ['undecodable', 'slip-9'],
      ['parked_behind', 'slip-9'],
    ]);
    expect(chunk.sequences.get(source)).toBe(2);
  });

  it('parks nothing when an undecodable record has no key', () => {
    const chunk = plan({ messages: [message(0, null, null), eventMessage(1, 1)] });
    expect(chunk.deadLetters[0]).toMatchObject({ parkKey: null });
    expect(chunk.parked.size).toBe(0);
    expect(chunk.records).toHaveLength(1);
  });

  it('puts later records of a parked key behind it, in order, and lets the others pass', () => {
    const messages = [
      eventMessage(0, 1, { key: 'a' }),
      eventMessage(1, 2, { key: 'b' }),
      eventMessage(2, 3, { key: 'a' }),
    ];
    const chunk = plan({ messages, position: position({ parkedKeys: new Set(['a']) }) });
    expect(offsets(chunk.records)).toEqual([1]);
    expect(offsets(chunk.deadLetters.map(({ record }) => record))).toEqual([0, 2]);
    expect(chunk.sequences.get(source)).toBe(3);
  });

  it('takes out a record that failed and parks its key', () => {
    const messages = [
      eventMessage(0, 1, { key: 'a' }),
      eventMessage(1, 2, { key: 'b' }),
      eventMessage(2, 3, { key: 'a' }),
    ];
    const chunk = plan({ messages, setAside: new Map([[0, failed]]) });
    expect(offsets(chunk.records)).toEqual([1]);
    expect(chunk.deadLetters.map(({ reason }) => reason)).toEqual(['failed', 'parked_behind']);
    expect([...positionAfter(position(), chunk).parkedKeys]).toEqual(['a']);
  });

  it('sets a failing resend aside without parking the key it repeats', () => {
    const messages = [eventMessage(0, 1), eventMessage(1, 1), eventMessage(2, 2)];
    const chunk = plan({ messages, setAside: new Map([[1, failed]]) });
    expect(chunk.deadLetters).toMatchObject([{ parkKey: null, reason: 'failed' }]);
    expect(offsets(chunk.records)).toEqual([0, 2]);
  });

  it('looks at no value on an inbound topic', () => {
    const messages = [message(0, null), message(1, Buffer.from('x')), message(2, Buffer.from('y'), null)];
    const chunk = plan({ messages, sequenced: false });
    expect(chunk.records).toHaveLength(3);
    expect(chunk.records[0]).toMatchObject({ source: '', sequence: -1, timestampMs: 1763800000000 });
  });
});

describe('an inbound topic', () => {
  it('parks no key: callers share no key space', () => {
    const messages = [message(0, null, 'ord-1'), message(1, null, 'ord-1')];
    const setAside = new Map([[0, { reason: 'rejected' as const, errorClass: '', detail: '', attempts: 1 }]]);
    const chunk = plan({ messages, sequenced: false, setAside });
    expect(chunk.deadLetters.map(({ record, parkKey }) => [record.offset, parkKey])).toEqual([[0, null]]);
    expect(chunk.records.map(({ offset }) => offset)).toEqual([1]);
    expect(chunk.parked.size).toBe(0);
  });
});
