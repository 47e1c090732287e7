import { describe, expect, it } from '@jest/globals';
import { sources, topics } from '@slipstream/contracts';
import fc from 'fast-check';
import { planChunk, positionAfter } from './chunk.ts';
import { EventWalk } from './event-walk.ts';
import { partitionOf } from './partition.ts';
import type { PartitionPosition } from './ports.ts';
import { recordsOf } from './record-walk.ts';
import { GrowingSpan } from './span.ts';
import { type BatchRecord, batchBytes } from './test-support/batches.ts';
import { eventBytes } from './test-support/records.ts';

const start: PartitionPosition = {
  ...{ group: 'g', topic: topics.events.name, partition: 0, epoch: 1, nextOffset: 0, topicId: null },
  ...{ sources: new Map(), parkedKeys: new Set(['parked']) },
};
const names = Array.from({ length: 200 }, (_, n) => `slip-${n}`);
const lies = (partition: number) => (name: string) =>
  partitionOf(name, topics.events.partitions) === partition;
const here = names.filter(lies(0));
const elsewhere = names.find(lies(1))!;

/** What may come on a topic: mostly the next event of a source, and now and then what rules are about. */
const odd = fc.constantFrom(
  ...(['resent', 'jump', 'fork', 'older incarnation', 'newer incarnation'] as const),
  ...(['stranger', 'not its own', 'no value', 'garbage', 'unknown type', 'headers', 'parked'] as const),
  ...(['no key', 'key of another', 'partition of another', 'no slip'] as const),
);
const kind = fc.oneof({ weight: 12, arbitrary: fc.constant('next' as const) }, { weight: 1, arbitrary: odd });
const step = fc.record({
  kind,
  from: fc.constantFrom(sources.ledger, sources.intake),
  key: fc.constantFrom(here[0]!, here[1]!),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

function recordsFor(steps: readonly Step[]): BatchRecord[] {
  const last = new Map<string, { sequence: number; incarnation: number }>();
  return steps.map(({ kind, from, key }) => {
    const known = last.get(from) ?? { sequence: 0, incarnation: 5 };
    const type = `slipstream.slip.${from === sources.ledger ? 'settled' : 'submitted'}.v1`;
    const next = { sequence: known.sequence + 1, incarnation: known.incarnation };
    const event = (numbers: typeof next, rest = {}) => {
      last.set(from, { ...numbers, sequence: Math.max(numbers.sequence, known.sequence) });
      const { sequence, incarnation } = numbers;
      return { key, value: eventBytes(sequence, { from, type, key, incarnation, ...rest }) };
    };
    switch (kind) {
      case 'next':
        return event(next);
      case 'resent':
        return event(known.sequence > 0 ? known : next);
      case 'jump':
        return event({ ...next, sequence: next.sequence + 2 });
      case 'fork':
        return event(known.sequence > 0 ? known : next, { text: 'other' });
      case 'older incarnation':
        return event({ ...next, incarnation: 3 });
      case 'newer incarnation':
        return event({ ...next, incarnation: next.incarnation + 1 });
      case 'stranger':
        return { key, value: eventBytes(next.sequence, { from: '/stranger', type, key }) };
      case 'not its own':
        return { key, value: eventBytes(next.sequence, { from, type: 'slipstream.slip.overdue.v1', key }) };
      case 'no value':
        return { key, value: null };
      case 'garbage':
        return { key, value: Buffer.from('no event') };
      case 'unknown type':
        return event(next, { type: 'slipstream.slip.new.v9' });
      case 'headers':
        return {
          ...event(known),
          headers: Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`h${i}`, ''])),
        };
      case 'parked':
        return { ...event(next, { key: 'parked' }), key: 'parked' };
      case 'no key':
        return { ...event(next), key: null };
      case 'key of another':
        return { ...event(next), key: here.find((other) => other !== key)! };
      case 'partition of another':
        return { ...event(next, { key: elsewhere }), key: elsewhere };
      case 'no slip':
        return { ...event(next, { key: '' }), key: '' };
      default:
        return kind satisfies never;
    }
  });
}

describe('a span', () => {
  it('takes exactly what planChunk would hand on, up to the first record about which a rule has something to say', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 40 }), async (steps) => {
        const batch = await batchBytes(0, recordsFor(steps));
        const span = new GrowingSpan(start);
        const walk = new EventWalk();
        walk.batch(batch);
        const taken: object[] = [];
        while (walk.next() && span.fits(walk)) {
          const { offset, source, sequence } = walk;
          taken.push({ offset, source, sequence });
          span.move(walk);
        }
        const messages = recordsOf([batch], 0);
        const plan = (recordsMax: number) =>
          planChunk({ position: start, sequenced: true, messages, from: 0, recordsMax, setAside: new Map() });
        const chunk = plan(taken.length);
        const seen = chunk.records.map(({ offset, source, sequence }) => ({ offset, source, sequence }));
        expect(taken).toEqual(seen);
        expect(span.after()).toEqual(positionAfter(start, chunk));
        // And what it leaves is no plain record: planChunk does something else with it.
        const more = plan(taken.length + 1);
        expect(taken.length === steps.length || more.records.length === taken.length).toBe(true);
      }),
      { numRuns: 400 },
    );
  });
});
