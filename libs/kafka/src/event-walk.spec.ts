import { createRequire } from 'node:module';
import { describe, expect, it } from '@jest/globals';
import { encodeCloudEvent, mayPublish, readEnvelope, sources, stampEnvelope } from '@slipstream/contracts';
import { instantFromMicros, instantToMicros } from '@slipstream/kernel';
import fc from 'fast-check';
import { EventWalk } from './event-walk.ts';

const load = createRequire(import.meta.url);
const Long = load('kafkajs/src/utils/long');
const { RecordBatch } = load('kafkajs/src/protocol/recordBatch/v0');
const Record = load('kafkajs/src/protocol/recordBatch/record/v0');

async function walked(value: Buffer): Promise<EventWalk> {
  const records = [Record({ key: 'slip-1', value })];
  const { buffer } = await RecordBatch({ firstOffset: Long.fromInt(0), records });
  const walk = new EventWalk();
  walk.batch(buffer);
  walk.next();
  return walk;
}

/** What the walk read, in the words of {@link readEnvelope}; null when it leaves the record to it. */
async function quick(value: Buffer): Promise<object | null> {
  const walk = await walked(value);
  if (!walk.peek()) return null;
  const { source, type, sequence, incarnation, bytes, subjectAt, subjectLength, dataAt, dataEnd } = walk;
  return {
    ...{ source, type, sequence, incarnation, isLive: walk.isLive },
    subject: bytes.toString('utf8', subjectAt, subjectAt + subjectLength),
    data: bytes.toString('hex', dataAt, dataEnd),
    time: instantFromMicros(BigInt(walk.timeMicros)),
    receivedTime: instantFromMicros(BigInt(walk.receivedMicros)),
  };
}

function exact(value: Buffer): object {
  const { source, type, sequence, incarnation, subject, data, time, receivedTime, clock } =
    readEnvelope(value);
  return {
    ...{ source, type, sequence, incarnation, subject, time, receivedTime: receivedTime || time },
    ...{ isLive: clock === '' || clock === 'wall', data: Buffer.from(data).toString('hex') },
  };
}

async function sourceOf(value: Buffer): Promise<string | null> {
  const walk = await walked(value);
  return walk.peekSource() ? walk.source : null;
}

function exactSourceOf(value: Buffer): string | null {
  try {
    return readEnvelope(value).source;
  } catch {
    return null;
  }
}

const micros = fc.bigInt({ min: 0n, max: instantToMicros('2199-01-01T00:00:00.000000Z') });
const given = fc.record({
  id: fc.string({ minLength: 1, maxLength: 40 }),
  source: fc.constantFrom(...Object.values(sources), '/stranger'),
  type: fc.constantFrom(
    'slipstream.slip.settled.v1',
    'slipstream.slip.submitted.v1',
    'slipstream.slip.new.v9',
  ),
  subject: fc.string({ maxLength: 200 }),
  clock: fc.constantFrom('wall', '', 'import-1', 'well'),
  traceparent: fc.option(fc.string({ maxLength: 200 }), { nil: undefined }),
  data: fc.uint8Array({ maxLength: 300 }),
  sequence: fc.oneof(fc.constant(0), fc.maxSafeNat()),
  incarnation: fc.oneof(fc.constant(0), fc.maxSafeNat()),
  time: micros.map(instantFromMicros),
  receivedTime: micros.map(instantFromMicros),
});

function bytesOf({ data, sequence, incarnation, time, receivedTime, ...head }: GivenEvent): Buffer {
  const stamp = { sequence: String(sequence), incarnation: String(incarnation), time, receivedTime };
  return stampEnvelope(encodeCloudEvent(head, data), stamp);
}
type GivenEvent = typeof given extends fc.Arbitrary<infer T> ? T : never;

describe('peeking at an event in place', () => {
  it('reads what readEnvelope reads, and all that our relay writes', async () => {
    await fc.assert(
      fc.asyncProperty(given, async (event) => {
        const bytes = bytesOf(event);
        const isOurs = mayPublish(event.source, event.type) && event.sequence > 0 && event.subject !== '';
        expect(await quick(bytes)).toEqual(isOurs ? exact(bytes) : null);
      }),
      { numRuns: 300 },
    );
  });

  it('never reads anything else of damaged, cut or foreign bytes', async () => {
    const damage = fc.array(fc.tuple(fc.nat({ max: 400 }), fc.nat({ max: 255 })), { maxLength: 3 });
    let readAll = 0;
    await fc.assert(
      fc.asyncProperty(given, damage, fc.nat({ max: 900 }), async (event, changes, length) => {
        const bytes = Buffer.from(
          bytesOf({ ...event, source: sources.ledger, type: 'slipstream.slip.settled.v1' }),
        );
        const cut = length > 500 ? bytes : bytes.subarray(0, length);
        for (const [at, byte] of changes) if (at < cut.length) cut[at] = byte;
        const read = await quick(cut);
        if (read === null) return;
        readAll++;
        expect(read).toEqual(exact(cut));
      }),
      { numRuns: 2_000 },
    );
    expect(readAll).toBeGreaterThan(0);
  });

  it('finds the source alone, and none where the exact reader finds another', async () => {
    const damage = fc.array(fc.tuple(fc.nat({ max: 400 }), fc.nat({ max: 255 })), { maxLength: 3 });
    let found = 0;
    await fc.assert(
      fc.asyncProperty(given, damage, async (event, changes) => {
        const bytes = Buffer.from(bytesOf(event));
        expect(await sourceOf(bytes)).toBe(event.source === '/stranger' ? null : event.source);
        for (const [at, byte] of changes) if (at < bytes.length) bytes[at] = byte;
        const source = await sourceOf(bytes);
        if (source === null) return;
        found++;
        // Who cannot be read at all is nobody's.
        expect([source, null]).toContain(exactSourceOf(bytes));
      }),
      { numRuns: 2_000 },
    );
    expect(found).toBeGreaterThan(0);
  });
});
