import { expect, test } from '@jest/globals';
import { type NumberedEvent, outboxRows } from './outbox-rows.ts';

const time = '2026-11-27T12:00:00.000000Z';

function event(partition: number, seq: number, of: Partial<NumberedEvent> = {}): NumberedEvent {
  return {
    ...{ topic: 't', partition, seq: BigInt(seq), at: time, received_at: time },
    ...{ key: `k${seq}`, headers: null, body: Buffer.from(`${partition}-${seq}`) },
    ...of,
  };
}

/** The numbers of each row, by what its bodies say. */
const numbers = (events: readonly NumberedEvent[], mayShare = true) =>
  outboxRows(events, mayShare).map((row) =>
    [...(row.earlier ?? []), row.body].map((body) => Buffer.from(body!).toString()),
  );

test('events that follow one another in a partition share a row, whose own values are the last one’s', () => {
  const early = '2026-11-27T11:00:00.000000Z';
  const rows = outboxRows(
    [event(1, 8), event(0, 3), event(1, 9, { key: null, received_at: early }), event(1, 10)],
    true,
  );
  expect(rows).toEqual([
    {
      ...event(1, 10),
      earlier_keys: ['k8', null],
      earlier_received: [time, early],
      earlier: [Buffer.from('1-8'), Buffer.from('1-9')],
    },
    { ...event(0, 3), earlier_keys: null, earlier_received: null, earlier: null },
  ]);
});

test('a row takes those that begin within the same 3,500 bytes, 64 counted for each event', () => {
  const large = { body: Buffer.alloc(1_686) };
  const small = Buffer.alloc(1_685);
  const lengths = (events: NumberedEvent[]) =>
    outboxRows(events, true).map((row) => row.earlier?.length ?? 0);
  expect(lengths([event(0, 1, large), event(0, 2, large), event(0, 3)])).toEqual([1, 0]);
  expect(lengths([event(0, 1, { body: small }), event(0, 2, large), event(0, 3), event(0, 4)])).toEqual([
    2, 0,
  ]);
  expect(lengths([event(0, 1, { body: Buffer.alloc(60_000) }), event(0, 2), event(0, 3)])).toEqual([0, 1]);
});

test('one with headers stands for itself, and nothing shares a row across it', () => {
  const events = [event(0, 1), event(0, 2, { headers: '{}' }), event(0, 3), event(0, 4)];
  expect(numbers(events)).toEqual([['0-1'], ['0-2'], ['0-3', '0-4']]);
});

test('each has a row where others cannot read what is shared', () => {
  expect(numbers([event(0, 1), event(0, 2), event(1, 1)], false)).toEqual([['0-1'], ['0-2'], ['1-1']]);
});
