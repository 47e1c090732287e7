import { describe, expect, it } from '@jest/globals';
import { encodeCloudEvent, topics } from '@slipstream/contracts';
import { type Chunk, type ChunkPlan, planChunk, positionAfter, type SetAside } from './chunk.ts';
import { partitionOf } from './partition.ts';
import type { PartitionPosition } from './ports.ts';
import { recordAgain } from './read-again.ts';
import type { SourcePosition } from './source-position.ts';
import { decodedHeaders } from './test-support/headers.ts';
import { eventMessage, message, source } from './test-support/records.ts';

function position(overrides: Partial<PartitionPosition> = {}): PartitionPosition {
  const at = { group: 'g', topic: 't', partition: 3, epoch: 1, nextOffset: 0, topicId: null };
  return { ...at, sources: new Map(), parkedKeys: new Set(), ...overrides };
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

const at = (sequence: number, incarnation = 0): SourcePosition => ({ incarnation, sequence, digests: [] });
const offsets = (records: readonly { offset: number }[]) => records.map(({ offset }) => offset);
const failed: SetAside = { reason: 'failed', errorClass: 'TypeError', detail: 'boom', attempts: 3 };

describe('planning a chunk', () => {
  it('takes records in order and moves behind the last', () => {
    const chunk = plan({ messages: [eventMessage(0, 1), eventMessage(1, 2), eventMessage(4, 3)] });
    expect(offsets(chunk.records)).toEqual([0, 1, 4]);
    expect(chunk).toMatchObject({ nextOffset: 5, end: 3, lost: null });
    expect(chunk.sources.get(source)).toMatchObject({ sequence: 3 });
    expect(chunk.records[0]).toMatchObject({ topic: 't', partition: 3, source, sequence: 1 });
  });

  it('skips records below the stored offset', () => {
    const messages = [eventMessage(7, 1), eventMessage(8, 2), eventMessage(9, 3)];
    const stored = position({ nextOffset: 8, sources: new Map([[source, at(1)]]) });
    expect(offsets(plan({ messages, position: stored }).records)).toEqual([8, 9]);
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
    const other = { from: '/slipstream/intake', type: 'slipstream.slip.submitted.v1' };
    const messages = [
      eventMessage(0, 1),
      eventMessage(1, 1, other),
      eventMessage(2, 2),
      eventMessage(3, 2, other),
    ];
    expect(plan({ messages }).records).toHaveLength(4);
  });

  it.each([
    ['after a known one', new Map([[source, at(4)]]), 6, /seq 6 of .* after 4: 1 record\(s\) lost/],
    [
      'at a source’s very beginning',
      new Map<string, SourcePosition>(),
      3,
      /seq 3 of .* after 0: 2 record\(s\) lost/,
    ],
  ])('stops before a jump in seq %s', (_, sources, sequence, text) => {
    const chunk = plan({ messages: [eventMessage(0, sequence)], position: position({ sources }) });
    expect(chunk.lost).toMatch(text);
    expect(chunk).toMatchObject({ end: 0, nextOffset: 0, records: [] });
  });

  it('stops before a number that comes again with other bytes, also when that is in a later chunk', () => {
    const first = plan({ messages: [eventMessage(0, 1), eventMessage(1, 2)] });
    const next = position(positionAfter(position(), first));
    for (const messages of [[eventMessage(2, 2, { text: 'another' })], [eventMessage(2, 1, { text: 'x' })]]) {
      const chunk = plan({ messages, position: next });
      expect(chunk.lost).toMatch(/^offset 2 carries seq [12] of .*a fork/);
      expect(chunk).toMatchObject({ end: 0, nextOffset: 2, records: [], resent: [] });
    }
    const forked = plan({ messages: [eventMessage(0, 1), eventMessage(1, 1, { text: 'x' })] });
    expect(offsets(forked.records)).toEqual([0]);
    expect(forked.lost).toMatch(/a fork/);
  });

  it('follows a source into its next incarnation, and stops when the one before speaks again', () => {
    const messages = [
      eventMessage(0, 1, { incarnation: 5 }),
      eventMessage(1, 2, { incarnation: 8 }),
      eventMessage(2, 3, { incarnation: 5 }),
    ];
    const chunk = plan({ messages });
    expect(offsets(chunk.records)).toEqual([0, 1]);
    expect(chunk.sources.get(source)).toMatchObject({ incarnation: 8, sequence: 2 });
    expect(chunk.lost).toMatch(/offset 2 carries seq 3 .* incarnation 5 speaks on after 2 of incarnation 8/);
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
    [
      'an event without sequence',
      Buffer.from(encodeCloudEvent({ id: 'a', source, type: 'x', subject: 's', clock: 'wall' }, Buffer.of())),
    ],
  ])('sets a value aside that is %s, and parks its key', (_, value) => {
    const chunk = plan({
      messages: [message(0, value, 'slip-9'), eventMessage(1, 1, { key: 'slip-9' }), eventMessage(2, 2)],
    });
    expect(offsets(chunk.records)).toEqual([2]);
    expect(chunk.deadLetters.map(({ reason, parkKey }) => [reason, parkKey])).toEqual([
      ['undecodable', 'slip-9'],
      ['parked_behind', 'slip-9'],
    ]);
    expect(chunk.sources.get(source)?.sequence).toBe(2);
  });

  const home = partitionOf('slip-9', topics.events.partitions);
  it.each([
    ['another slip’s key', 't', 3, 'slip-1', 'the key slip-1 is not the event’s slip slip-9'],
    ['no key', 't', 3, null, 'the key null is not the event’s slip slip-9'],
    ['a key that is no text', 't', 3, Buffer.of(0, 255), /^the key base64:AP8= is not/],
    [
      'a partition that is not its slip’s',
      topics.events.name,
      home + 1,
      'slip-9',
      /^the events of slip slip-9 lie on/,
    ],
  ])(
    'sets an event aside that has %s: its number counts, and its slip waits, not the key’s',
    (_, topic, partition, key, why) => {
      const stray = { ...eventMessage(0, 1, { key: 'slip-9' }), key: key === null ? null : Buffer.from(key) };
      const here = position({ topic, partition });
      const chunk = plan({ position: here, messages: [stray, eventMessage(1, 2, { key: 'slip-9' })] });
      expect(chunk.deadLetters[0]).toMatchObject({
        reason: 'rejected',
        errorClass: 'misplaced',
        parkKey: 'slip-9',
      });
      expect(chunk.deadLetters[0]!.detail).toEqual(
        typeof why === 'string' ? why : expect.stringMatching(why),
      );
      expect(chunk.deadLetters.slice(1).every(({ parkKey }) => parkKey === 'slip-9')).toBe(true);
      expect(offsets(chunk.records)).toEqual([]);
      expect(chunk.sources.get(source)?.sequence).toBe(2);
      // Nor is it handled when it is read again.
      expect(() => recordAgain({ ...chunk.deadLetters[0]!.record }, true)).toThrow(
        chunk.deadLetters[0]!.detail,
      );
    },
  );

  it('parks the key of an event that names no slip', () => {
    const chunk = plan({ messages: [{ ...eventMessage(0, 1, { key: '' }), key: Buffer.from('slip-9') }] });
    expect(chunk.deadLetters).toMatchObject([{ detail: 'the event names no slip', parkKey: 'slip-9' }]);
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
    expect(chunk.sources.get(source)?.sequence).toBe(3);
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

describe('who may say what', () => {
  const stranger = { from: '/somebody/unknown', key: 'slip-9' };
  const lying = { type: 'slipstream.slip.returned.v1', key: 'slip-9' };

  it.each([
    [
      'a source that is none of ours',
      1,
      stranger,
      '/somebody/unknown may not publish slipstream.slip.settled.v1',
    ],
    ['the same with a number far ahead', 7, stranger, /may not publish/],
    ['the same without a number', 0, stranger, /may not publish/],
    [
      'a type that its source does not own',
      1,
      lying,
      '/slipstream/ledger may not publish slipstream.slip.returned.v1',
    ],
    ['the same with a number far ahead', 7, lying, /may not publish/],
  ])('sets aside %s: it parks nothing, counts nothing and stops nothing', (_, sequence, options, detail) => {
    const messages = [
      eventMessage(0, sequence, options),
      eventMessage(1, 1, { key: 'slip-9' }),
      eventMessage(2, 2, { key: 'slip-9' }),
    ];
    const chunk = plan({ messages });
    expect(offsets(chunk.records)).toEqual([1, 2]);
    expect(chunk.deadLetters).toMatchObject([{ reason: 'stranger', parkKey: null, attempts: 1 }]);
    expect(chunk.deadLetters[0]!.detail).toMatch(detail);
    expect([...chunk.sources].map(([from, { sequence }]) => [from, sequence])).toEqual([[source, 2]]);
    expect(chunk).toMatchObject({ lost: null, nextOffset: 3, parked: new Set() });
  });

  it('takes a type that nobody knows from one of ours, in its turn', () => {
    const later = { type: 'slipstream.slip.of_a_later_release.v1' };
    const chunk = plan({ messages: [eventMessage(0, 1, later), eventMessage(1, 2)] });
    expect(offsets(chunk.records)).toEqual([0, 1]);
    expect(plan({ messages: [eventMessage(0, 2, later)] }).lost).toMatch(/seq 2 of .* after 0/);
  });
});

describe('a record with more headers than are taken', () => {
  const headers = decodedHeaders(Array.from({ length: 500 }, (_, i) => [`h${i}`, Buffer.from('x')]));

  it.each([true, false])('is refused with all of them, and parks nothing (sequenced: %p)', (sequenced) => {
    const messages = [
      { ...eventMessage(0, 1, { key: 'slip-9' }), headers },
      eventMessage(1, 1, { key: 'slip-9' }),
    ];
    const chunk = plan({ messages, sequenced });
    expect(offsets(chunk.records)).toEqual([1]);
    const [letter] = chunk.deadLetters;
    expect(letter).toMatchObject({ reason: 'rejected', errorClass: 'too_many_headers', parkKey: null });
    expect(letter!.detail).toMatch(/^too many headers: 500/);
    expect(letter!.headersRaw!.length).toBeGreaterThan(500 * 4);
    expect(chunk.lost).toBeNull();
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
