import { create, toBinary } from '@bufbuild/protobuf';
import { describe, expect, it } from '@jest/globals';
import type { SlipEventType } from '@slipstream/slip';
import fc from 'fast-check';
import { decodeData } from './codec.ts';
import { mappingOf } from './domain-mapping.ts';
import { schemas } from './event-types.ts';
import { plainShapeOf } from './plain-data.ts';
import { sampleEvents } from './test-support/samples.ts';

const slipEvent = fc.constantFrom(...sampleEvents());

const isPlain = (type: SlipEventType, bytes: Uint8Array) =>
  plainShapeOf(schemas[type]).matches(Buffer.from(bytes), 0, bytes.length);
const decodes = (type: SlipEventType, data: Uint8Array): boolean => {
  try {
    decodeData(schemas[type], { type, data });
    return true;
  } catch {
    return false;
  }
};
const encoded = (type: SlipEventType, data: object) =>
  Buffer.from(toBinary(schemas[type], mappingOf(schemas[type]).toMessage(data) as never));

describe('plain data', () => {
  it('is what our own services write', () => {
    fc.assert(
      fc.property(slipEvent, ({ type, data }) => {
        expect(isPlain(type, encoded(type, data))).toBe(true);
      }),
    );
  });

  it('is always decoded, whatever the bytes', () => {
    const damage = fc.array(fc.tuple(fc.nat({ max: 300 }), fc.nat({ max: 255 })), { maxLength: 2 });
    const cut = fc.oneof(fc.constant(9_999), fc.nat({ max: 300 }));
    let plain = 0;
    let other = 0;
    fc.assert(
      fc.property(slipEvent, damage, cut, ({ type, data }, changes, length) => {
        const bytes = encoded(type, data).subarray(0, length);
        for (const [at, byte] of changes) if (at < bytes.length) bytes[at] = byte;
        if (!isPlain(type, bytes)) return void other++;
        plain++;
        expect(decodes(type, bytes)).toBe(true);
      }),
      { numRuns: 20_000 },
    );
    expect(Math.min(plain, other)).toBeGreaterThan(100);
  });

  it('is nothing without its enums, with a value or a field of a later release, or with a text that is none', () => {
    const returned = encoded('SlipReturned', { outcome: 'succeeded', evidence: 'report', reason: 'ok' });
    expect(isPlain('SlipReturned', returned)).toBe(true);
    expect(isPlain('SlipReturned', Buffer.alloc(0))).toBe(false);
    expect(
      isPlain(
        'SlipReturned',
        toBinary(schemas.SlipReturned, create(schemas.SlipReturned, { outcome: 99, evidence: 1 } as never)),
      ),
    ).toBe(false);
    expect(isPlain('SlipReturned', Buffer.concat([returned, Buffer.from([0x78, 1])]))).toBe(false);
    expect(isPlain('SlipReturned', Buffer.concat([returned, Buffer.from([0x1a, 1, 0xff])]))).toBe(false);
  });
});
