import { describe, expect, it } from '@jest/globals';
import { peekEnvelope } from '@slipstream/contracts';
import fc from 'fast-check';
import { Peeker } from './peeker.ts';
import { eventBytes } from './test-support/records.ts';

type Read = Pick<Peeker, 'source' | 'type' | 'sequence' | 'incarnation'>;

function outcome(read: () => Read): unknown {
  try {
    return read();
  } catch (error) {
    return (error as Error).message;
  }
}

const peeker = new Peeker();
const quick = (bytes: Buffer) =>
  outcome(() => {
    peeker.read(bytes);
    const { source, type, sequence, incarnation } = peeker;
    return { source, type, sequence, incarnation };
  });
const slow = (bytes: Buffer) => outcome(() => peekEnvelope(bytes));

describe('Peeker', () => {
  it('reads what peekEnvelope reads, for any run of sources and types', () => {
    const event = fc.record({
      sequence: fc.nat(),
      incarnation: fc.oneof(fc.constant(0), fc.maxSafeNat()),
      from: fc.constantFrom('/slipstream/intake', '/slipstream/ledger', 'x'),
      type: fc.constantFrom(
        'slipstream.slip.settled.v1',
        'slipstream.slip.overdue.v1',
        'slipstream.slip.new.v9',
      ),
      text: fc.string({ maxLength: 20_000 }),
    });
    fc.assert(
      fc.property(event, ({ sequence, incarnation, from, type, text }) => {
        const bytes = eventBytes(sequence, { from, type, text, incarnation });
        expect(quick(bytes)).toEqual({ source: from, type, sequence, incarnation });
      }),
    );
  });

  it('agrees with peekEnvelope on damaged bytes', () => {
    const damage = fc.array(fc.tuple(fc.nat({ max: 200 }), fc.nat({ max: 255 })), { maxLength: 3 });
    fc.assert(
      fc.property(damage, fc.nat({ max: 400 }), (changes, length) => {
        const bytes = Buffer.from(eventBytes(12_345, { incarnation: 1_800_000_000_000_123 })).subarray(
          0,
          length,
        );
        for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
        quick(eventBytes(1));
        expect(quick(bytes)).toEqual(slow(bytes));
      }),
      { numRuns: 3_000 },
    );
  });
});
