import { describe, expect, test } from '@jest/globals';
import { encodeInbound, type Inbound, readEnvelope, type SubmitSlip } from '@slipstream/contracts';
import { type ConsumedRecord, RecordRejected } from '@slipstream/kafka';
import { readCommand } from './read-command.ts';

const good: SubmitSlip = {
  ...{ reference: 'ord-1', kind: 'order', account: 'cust-42', counterparty: 'shop-7', route: 'default' },
  ...{ amount: { amount: 1250n, currency: 'EUR' }, deadline: null, metadata: {} },
};

function record(data: Partial<SubmitSlip>, head: Partial<Omit<Inbound, 'command'>> = {}): ConsumedRecord {
  const command = { type: 'SubmitSlip' as const, data: { ...good, ...data } };
  const value = encodeInbound({
    ...{ id: 'cmd-1', caller: '/shop', clock: 'wall', time: null, traceparent: '', subject: 'ord-1' },
    ...{ ...head, command },
  });
  return {
    ...{ topic: 'slips.commands.v1', partition: 0, offset: 7, key: Buffer.from('ord-1'), headers: {} },
    ...{ value: Buffer.from(value), timestampMs: 1_700_000_000_000, source: '', sequence: -1 },
  };
}

describe('a wish for a slip', () => {
  test('is read with its publisher’s id and the time at which the broker appended it', () => {
    expect(readCommand(record({}))).toMatchObject({
      ...{ type: 'submit', id: 'cmd-1', caller: '/shop', reference: 'ord-1', clock: 'wall' },
      receivedAt: '2023-11-14T22:13:20.000000Z',
    });
  });

  test.each([
    ['00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', true],
    [`00-${'0'.repeat(32)}-b7ad6b7169203331-01`, false],
    ['mine', false],
    ['', false],
  ])('has the trace %s or, where that is none, no trace yet', (traceparent, isOne) => {
    const { value, ...rest } = record({});
    const headers = {
      ...{
        'content-type': 'application/protobuf',
        ce_specversion: '1.0',
        ce_id: 'cmd-1',
        ce_source: '/shop',
      },
      ...{ ce_type: 'slipstream.command.submit_slip.v1', ce_traceparent: traceparent },
    };
    const texts = Object.entries(headers).map(([name, text]) => [name, Buffer.from(text)] as const);
    const binary = {
      ...rest,
      value: Buffer.from(readEnvelope(value!).data),
      headers: Object.fromEntries(texts),
    };
    expect(readCommand(binary)).toMatchObject({ type: 'submit', traceparent: isOne ? traceparent : null });
  });

  test('without a route means the one that HTTP means', () => {
    expect(readCommand(record({ route: '' }))).toMatchObject({ submission: { route: 'default' } });
  });
});

describe('a wish that breaks the rule of a field', () => {
  test.each<[Partial<SubmitSlip>, string, string]>([
    [{ reference: '' }, '/reference', 'must not be empty'],
    [{ reference: 'x'.repeat(200) }, '/reference', 'must have at most 128'],
    [{ account: 'a\u0007b' }, '/account', 'must consist of visible characters'],
    [{ counterparty: 'x'.repeat(129) }, '/counterparty', 'must have at most 128'],
    [{ kind: 'refund' as never }, '/kind', 'the value is missing'],
    [{ amount: { amount: 0n, currency: 'EUR' } }, '/amount/amount', 'must be greater than 0'],
    [{ amount: { amount: 1n, currency: 'eur' } }, '/amount/currency', 'must be the ISO 4217'],
    [{ metadata: { k: 'x'.repeat(5000) } }, '/metadata', 'must have at most 4096 bytes'],
  ])('%p is answered with the field’s pointer', (data, pointer, detail) => {
    const command = readCommand(record(data));
    expect(command).toMatchObject({
      ...{ type: 'unsound', id: 'cmd-1', caller: '/shop', clock: 'wall' },
      problems: [{ pointer, detail: expect.stringContaining(detail) }],
    });
  });

  test('names all of its fields', () => {
    const command = readCommand(record({ account: '', route: ' ' }, { clock: 'import-1' }));
    expect(command).toMatchObject({
      problems: [{ pointer: '/account' }, { pointer: '/route' }, { pointer: '/time' }],
    });
  });

  test('on no clock is answered on the wall clock, and cut to what can be stored', () => {
    const reference = `${'x'.repeat(127)}\u{1F600}\0`;
    expect(readCommand(record({ reference }, { clock: 'a\nb' }))).toMatchObject({
      ...{ clock: 'wall', receivedAt: '2023-11-14T22:13:20.000000Z' },
      reference: `${'x'.repeat(127)}\uFFFD`,
      problems: [{ pointer: '/reference' }, { pointer: '/clock' }, { pointer: '/time' }],
    });
  });
});

describe('nobody is answered', () => {
  test.each<[string, ConsumedRecord, string]>([
    ['without a value', { ...record({}), value: null }, 'no value'],
    ['whose id is no name', record({}, { id: 'a\nb' }), 'the id must consist'],
    ['whose source is no name', record({}, { caller: 'x'.repeat(300) }), 'the source must have at most'],
    ['whose message is cut', cut(record({})), 'is no slipstream.slip.v1.SubmitSlip'],
  ])('about a record %s', (_, one, detail) => {
    const read = () => readCommand(one);
    expect(read).toThrow(RecordRejected);
    expect(read).toThrow(detail);
  });
});

/** In binary mode, so that the message alone is broken. */
function cut(one: ConsumedRecord): ConsumedRecord {
  const headers = {
    ...{ 'content-type': 'application/protobuf', ce_id: 'cmd-1', ce_source: '/shop' },
    ce_type: 'slipstream.command.submit_slip.v1',
  };
  return { ...one, headers, value: Buffer.from([0x0a, 9, 0x61]) };
}
