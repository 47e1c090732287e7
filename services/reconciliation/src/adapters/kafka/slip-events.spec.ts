import { describe, expect, test } from '@jest/globals';
import { encodeCloudEvent, sources, stampEnvelope } from '@slipstream/contracts';
import { type ConsumedRecord, RecordRejected } from '@slipstream/kafka';
import type { RecordedEvent } from '@slipstream/slip';
import { slipEvents } from './slip-events.ts';

/** Messages by hand: of a type of a later release; SlipReturned with outcome 9; InquiryRequested for the second time. */
const ofALaterType = record('slipstream.slip.insured.v1', []);
const ofALaterValue = record('slipstream.slip.returned.v1', [0x10, 9]);
const known = record('slipstream.slip.inquiry_requested.v1', [0x08, 2]);

function record(type: string, data: number[], offset = 7): ConsumedRecord {
  const head = { id: `e-${offset}`, source: sources.gateway, subject: 'slip-1', clock: 'wall', type };
  const time = '2026-11-22T10:39:00.123456Z';
  const value = stampEnvelope(encodeCloudEvent(head, Uint8Array.from(data)), {
    sequence: '1',
    time,
    receivedTime: time,
  });
  const place = { topic: 'slips.events.v1', partition: 0, offset, timestampMs: 0, sequence: 1 };
  return { ...place, key: Buffer.from('slip-1'), value, headers: {}, source: sources.gateway };
}

async function handle(records: ConsumedRecord[]): Promise<{ folded: string[]; unknown: number }> {
  let folded: readonly RecordedEvent[] = [];
  let unknown = 0;
  const subscription = slipEvents(
    async (_tx, _partition, events) => {
      folded = events;
    },
    (count) => {
      unknown += count;
    },
  );
  await subscription.handle({} as never, { topic: 'slips.events.v1', partition: 0, records, resent: [] });
  return { folded: folded.map(({ event }) => event.type), unknown };
}

describe('an event', () => {
  test('of a type that only a newer release knows folds into nothing, and is counted', async () => {
    expect(await handle([ofALaterType, known])).toEqual({ folded: ['InquiryRequested'], unknown: 1 });
  });

  test('with a value that only a newer release knows waits for that release', async () => {
    const error = await handle([known, ofALaterValue]).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(RecordRejected);
    expect((error as RecordRejected).rejections).toEqual([
      { record: ofALaterValue, reason: 'too_new', detail: expect.stringContaining('unknown value 9') },
    ]);
  });
});
