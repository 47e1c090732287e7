import { describe, expect, test } from '@jest/globals';
import { encodeCloudEvent, stampEnvelope, topics } from '@slipstream/contracts';
import { partitionOf } from '@slipstream/kafka';
import type { RecordedEvent, SlipEvent } from '@slipstream/slip';
import { eventJson, slipNames } from './event-json.ts';
import { decodeEvents, readRecords } from './read-events.ts';
import { unseen } from './seen.ts';

const at = '2026-11-22T10:39:00.123456Z';

function recorded(id: string, event: SlipEvent): RecordedEvent {
  const source = '/slipstream/intake';
  return { id, slipId: 'slip-1', source, sequence: 7n, time: at, receivedTime: at, clock: 'wall', event };
}

const rejected = { caller: '/shop', reference: 'ord-1', rule: 'limit', detail: 'too much' };
const progressed: SlipEvent = {
  type: 'SlipProgressed',
  data: { provider: 'acme', step: 'packed', evidence: 'signed_callback', providerTime: null },
};

describe('an event as JSON', () => {
  test('has amounts and bytes as text, and everything else as it is', () => {
    const json = eventJson(
      recorded('e-1', {
        type: 'SlipSubmitted',
        data: {
          amount: { amount: 9_007_199_254_740_993n, currency: 'EUR' },
          policy: { graceMs: 0, quietPeriodMs: 1, inquiryLadderMs: [1, 2] },
          details: { clear: null, sealed: { keyRef: 'k', ciphertext: Uint8Array.of(1, 2) } },
        },
      } as unknown as SlipEvent),
    );
    expect(JSON.parse(JSON.stringify(json))).toEqual({
      ...{ id: 'e-1', slipId: 'slip-1', source: '/slipstream/intake', sequence: '7' },
      ...{ time: at, receivedTime: at, clock: 'wall' },
      event: {
        type: 'SlipSubmitted',
        data: {
          amount: { amount: '9007199254740993', currency: 'EUR' },
          policy: { graceMs: 0, quietPeriodMs: 1, inquiryLadderMs: [1, 2] },
          details: { clear: null, sealed: { keyRef: 'k', ciphertext: 'AQI=' } },
        },
      },
    });
  });
});

describe('the names of a slip', () => {
  test('are told by the event that answers the command', () => {
    const event: SlipEvent = { type: 'SlipRejected', data: { ...rejected, commandId: 'c-1' } };
    const names = { slipId: 'slip-1', caller: '/shop', reference: 'ord-1', commandId: 'c-1' };
    expect(slipNames(recorded('e-1', event))).toEqual(names);
    const overHttp: SlipEvent = { type: 'SlipRejected', data: rejected };
    expect(slipNames(recorded('e-1', overHttp))).toEqual({ ...names, commandId: null });
  });

  test('are told by no later event', () => {
    expect(slipNames(recorded('e-1', progressed))).toBeNull();
  });
});

test('a type of a later release is passed over, and told once', () => {
  const lines: unknown[] = [];
  const log = {
    info() {},
    error() {},
    warn: (text: string, fields?: object) => void lines.push({ text, ...fields }),
  };
  const partition = partitionOf('slip-1', topics.events.partitions);
  const record = (name: string, offset: number) => {
    const head = {
      id: `e-${offset}`,
      source: '/slipstream/intake',
      type: name,
      subject: 'slip-1',
      clock: 'wall',
    };
    const stamp = { sequence: `${offset + 1}`, time: at, receivedTime: at };
    const value = stampEnvelope(encodeCloudEvent(head, new Uint8Array()), stamp);
    return { partition, offset, value, problem: null, key: Buffer.from('slip-1'), timestampMs: 0 };
  };
  const type = 'slipstream.slip.insured.v1';
  const told = new Set<string>();
  const read = readRecords([record(type, 0), record(type, 1)], log);
  expect(decodeEvents(read, log, told)).toEqual([]);
  expect(decodeEvents(readRecords([record(type, 2)], log), log, told)).toEqual([]);
  const text = 'events of a type that this release does not know are skipped';
  expect(lines).toEqual([{ text, topic: 'slips.events.v1', type, partition, offset: 0 }]);
});

describe('events that were handled', () => {
  test('are left out, and so are repeats in one batch', async () => {
    const kept = new Set(['b']);
    const seen = {
      async add(ids: readonly string[]) {
        const fresh = ids.filter((id) => !kept.has(id));
        for (const id of fresh) kept.add(id);
        return fresh;
      },
    };
    const events = ['a', 'b', 'c', 'a'].map((id) => recorded(id, progressed));
    expect((await unseen(events, seen)).map(({ id }) => id)).toEqual(['a', 'c']);
    expect(await unseen(events, seen)).toEqual([]);
    expect(await unseen([], { add: () => Promise.reject(new Error('asked for nothing')) })).toEqual([]);
  });
});
