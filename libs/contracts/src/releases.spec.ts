import type { DescEnum, DescMessage } from '@bufbuild/protobuf';
import { describe, expect, test } from '@jest/globals';
import { isSlipstreamError } from '@slipstream/kernel';
import {
  evolve,
  type RecordedEvent,
  type SlipEvent,
  type SlipEventType,
  type SlipState,
} from '@slipstream/slip';
import fc from 'fast-check';
import { slipEventOf } from './codec.ts';
import { readEnvelope } from './envelope.ts';
import { type EventTypes, eventTypes, schemas } from './event-types.ts';
import { encode } from './test-support/golden.ts';
import {
  releaseWithoutField,
  releaseWithoutType,
  releaseWithoutValue,
} from './test-support/older-release.ts';
import { sampleEvents } from './test-support/samples.ts';

const samples = sampleEvents();
/** A partition of a few slips whose lives are any events in any order. */
const partition = fc
  .array(fc.record({ event: fc.constantFrom(...samples), slip: fc.constantFrom('s-1', 's-2', 's-3') }), {
    minLength: 1,
    maxLength: 30,
  })
  .map((steps) => steps.map(({ event, slip }, n) => encode(event, n + 1, slip)));

interface Reader {
  readonly states: Map<string, SlipState>;
  /** Per slip, what it could not read and what came after that. */
  readonly parked: Map<string, Buffer[]>;
  unknownTypes: number;
}

const newReader = (): Reader => ({ states: new Map(), parked: new Map(), unknownTypes: 0 });

/** What every consumer does with the log (rules 5 and 9), without its database. */
function read(reader: Reader, records: readonly Buffer[], known: EventTypes): Reader {
  for (const record of records) {
    const envelope = readEnvelope(record);
    const behind = reader.parked.get(envelope.subject);
    if (behind) behind.push(record);
    else {
      const recorded = tryDecode(record, known);
      if (recorded === 'too_new') reader.parked.set(envelope.subject, [record]);
      else if (recorded === null) reader.unknownTypes += 1;
      else reader.states.set(recorded.slipId, evolve(reader.states.get(recorded.slipId) ?? null, recorded));
    }
  }
  return reader;
}

/** A newer release takes over: what waited is read again, in order. */
function upgrade(reader: Reader, known: EventTypes): Reader {
  const waiting = [...reader.parked.values()].flat();
  reader.parked.clear();
  return read(reader, waiting, known);
}

function tryDecode(record: Buffer, known: EventTypes): RecordedEvent | null | 'too_new' {
  try {
    return slipEventOf(readEnvelope(record), known);
  } catch (error) {
    if (isSlipstreamError(error) && error.code === 'too_new') return 'too_new';
    throw error;
  }
}

describe('a release that does not know an event type', () => {
  test.each(Object.keys(schemas) as SlipEventType[])('reads a log with %s and parks nothing', (type) => {
    const older = releaseWithoutType(type);
    fc.assert(
      fc.property(partition, (records) => {
        const reader = read(newReader(), records, older);
        const ofType = records.filter((record) => tryTypeOf(record) === type).length;
        expect([reader.parked.size, reader.unknownTypes]).toEqual([0, ofType]);
        // The newer one that reads the same log from its start finds the state of one that always knew.
        const upgraded = read(newReader(), records, eventTypes);
        expect(upgraded.parked.size).toBe(0);
        const others = records.filter((record) => tryTypeOf(record) !== type);
        expect(reader.states).toEqual(read(newReader(), others, eventTypes).states);
      }),
      { numRuns: 20 },
    );
  });
});

describe('a release that does not know a value', () => {
  test.each(values())(
    'parks a slip with $enumName $value, and the next release ends in the same state',
    (one) => {
      const older = releaseWithoutValue(one.enumName, one.number);
      const withIt = samples.filter((event) => tryDecode(encode(event), older) === 'too_new');
      expect(withIt.length).toBeGreaterThan(0);
      const lives = fc
        .tuple(partition, fc.constantFrom(...withIt))
        .map(([records, event]) => [
          ...records,
          encode(event, records.length + 1, 's-1'),
          encode(samples[0]!, records.length + 2, 's-1'),
        ]);
      fc.assert(
        fc.property(lives, (records) => {
          const reader = read(newReader(), records, older);
          expect(reader.parked.get('s-1')!.length).toBeGreaterThan(1);
          expect(upgrade(reader, eventTypes)).toEqual(read(newReader(), records, eventTypes));
        }),
        { numRuns: 10 },
      );
    },
  );

  test('knows a missing value from an unknown one', () => {
    const [event] = samples.filter(({ type }) => type === 'SlipReturned');
    const bad = { ...event, data: { ...event!.data, outcome: 'none' } } as unknown as SlipEvent;
    expect(() => tryDecode(encode(bad), eventTypes)).toThrow(/undecodable_record.*value is missing/);
  });
});

describe('a release that does not know a field', () => {
  const sealed = samples.find(({ type, data }) => type === 'SlipSubmitted' && data.details?.sealed)!;

  test('takes a record for one of a newer release when the field is a member of a oneof', () => {
    expect(tryDecode(encode(sealed), releaseWithoutField('slipstream.common.v1.Sealable', 'sealed'))).toBe(
      'too_new',
    );
  });

  test('passes over any other', () => {
    const older = releaseWithoutField('slipstream.slip.v1.SlipSubmitted', 'account');
    expect(tryDecode(encode(sealed), older)).not.toBe('too_new');
  });
});

function tryTypeOf(record: Buffer): SlipEventType | undefined {
  return eventTypes.byType(readEnvelope(record).type)?.name;
}

/** Every enum value of every event, but zero: that one means missing. */
function values(): { enumName: string; value: string; number: number }[] {
  const enums = new Map<string, DescEnum>();
  const visit = (schema: DescMessage): void => {
    for (const field of schema.fields) {
      if (field.enum) enums.set(field.enum.typeName, field.enum);
      if (field.message && field.message.typeName !== schema.typeName) visit(field.message);
    }
  };
  for (const schema of Object.values(schemas)) visit(schema);
  return [...enums.values()].flatMap(({ typeName, values: all }) =>
    all
      .filter(({ number }) => number !== 0)
      .map(({ name, number }) => ({ enumName: typeName, value: name, number })),
  );
}
