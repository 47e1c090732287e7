import { describe, expect, it } from '@jest/globals';
import { decodeInbound, type InboundCommand, topics } from '@slipstream/contracts';
import { clockRecords, slipRecord } from './inbound-record.ts';
import { instantOf, type Time } from './time.ts';

const submit: InboundCommand = {
  type: 'SubmitSlip',
  data: {
    ...{ reference: 'r', kind: 'order', account: 'a', counterparty: 'b', amount: null, route: 'default' },
    ...{ deadline: null, metadata: {} },
  },
};
const read = (value: Buffer | null) => decodeInbound({ value, headers: {} });

describe('a time of the caller', () => {
  it.each([
    ['2026-11-22T10:39:00Z', '2026-11-22T10:39:00.000000Z'],
    ['2026-11-22T12:39:00.5+02:00', '2026-11-22T10:39:00.500000Z'],
    ['2026-11-22T10:39:00.123456Z', '2026-11-22T10:39:00.123456Z'],
  ])('%s is written as %s', (text, instant) => {
    expect(instantOf('deadline', text)).toBe(instant);
    const { record } = slipRecord('/shop', topics.commands, submit, { reference: 'r', time: text });
    expect(read(record.value).time).toBe(instant);
  });

  it.each(['', 'tomorrow', '2026-11-22T10:39:00', '2026-13-01T00:00:00Z'])(
    '%p is refused by its field',
    (text) =>
      expect(() => instantOf('deadline', text)).toThrow(
        expect.objectContaining({
          code: 'validation_failed',
          errors: [expect.objectContaining({ pointer: '/deadline' })],
        }),
      ),
  );

  it('said in two forms gives statements of one id', () => {
    const statements = (time: Time) =>
      clockRecords('/shop', topics.commands, { clock: 'import-1', time, close: true }).map(
        ({ value }) => read(value).id,
      );
    expect(statements('2026-11-22T10:39:00Z')).toEqual(statements('2026-11-22T11:39:00.000+01:00'));
    expect(statements('2026-11-22T10:39:00Z')).toEqual(statements(new Date('2026-11-22T10:39:00Z')));
  });
});
