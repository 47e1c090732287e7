import { describe, expect, it } from '@jest/globals';
import { type ReportCommand, type SubmitCommand, soundReport, soundSubmission } from './sound.ts';

const least: SubmitCommand = { reference: 'ord-1', kind: 'order', account: 'cust-1', counterparty: 'shop-1' };

describe('a command before it is sent', () => {
  it('needs no more than over HTTP', () => {
    expect(soundSubmission(least)).toEqual({
      ...least,
      ...{ amount: null, route: 'default', deadline: null, metadata: {} },
    });
  });

  it.each([
    [new Date(Date.UTC(2026, 10, 22, 10, 39)), '2026-11-22T10:39:00.000000Z'],
    ['2026-11-22T12:39:00+02:00', '2026-11-22T10:39:00.000000Z'],
    ['2026-11-22T10:39:00.000001Z', '2026-11-22T10:39:00.000001Z'],
  ])('takes the time %p', (time, instant) => {
    expect(soundSubmission({ ...least, deadline: time, time })).toMatchObject({
      deadline: instant,
      time: instant,
    });
  });

  it.each([
    ['/reference', { reference: '' }],
    ['/kind', { kind: 'ordr' }],
    ['/account', { account: 'payer:bob:held' }],
    ['/amount/amount', { amount: { amount: -5n, currency: 'EUR' } }],
    ['/amount/amount', { amount: { amount: 12.5, currency: 'EUR' } }],
    ['/amount/amount', { amount: { amount: '1250', currency: 'EUR' } }],
    ['/amount/currency', { amount: { amount: 5n, currency: 'XXXX' } }],
    ['/metadata', { metadata: { note: 'x'.repeat(5_000) } }],
    ['/deadline', { deadline: 'tomorrow' }],
    ['/deadline', { deadline: new Date(Number.NaN) }],
    ['/time', { time: '2026-11-22T10:39:00' }],
    ['/time', { clock: 'import-1' }],
    ['/clock', { clock: '', time: new Date(0) }],
    ['/id', { id: '' }],
    ['/amount/amount', { amount: { amount: 2n ** 63n, currency: 'EUR' } }],
    ['/amount', { amount: 1250n }],
    ['/amount', { amount: 0 }],
    ['/amount', { amount: [1250n, 'EUR'] }],
    ['/amount/scale', { amount: { amount: 1250n, currency: 'EUR', scale: 2 } }],
    ['/metadata', { metadata: new Map([['channel', 'web']]) }],
    ['/metadata', { metadata: new Date(0) }],
    ['/traceparent', { traceparent: 'mine' }],
    ['/traceparent', { traceparent: `00-${'0'.repeat(32)}-b7ad6b7169203331-01` }],
    ['/traceparent', { traceparent: 7 }],
    ['/deadLine', { deadLine: new Date(0) }],
    ['/"\\u001b[2J"', { '\u001b[2J': 1 }],
    ['/metadata', { metadata: JSON.parse('{"__proto__":"gone"}') }],
  ])('is refused by its %s: %p', (pointer, over) => {
    const command = { ...least, ...over } as SubmitCommand;
    expect(() => soundSubmission(command)).toThrow(
      expect.objectContaining({
        code: 'validation_failed',
        errors: [expect.objectContaining({ pointer })],
      }),
    );
  });

  const report: ReportCommand = { reference: 'ord-1', step: 'returned', outcome: 'succeeded' };

  it('is nothing where it is no object', () => {
    for (const none of [undefined, null, 'ord-1', 7, []] as never[]) {
      const refused = expect.objectContaining({ code: 'validation_failed' });
      expect(() => soundSubmission(none)).toThrow(refused);
      expect(() => soundReport(none)).toThrow(refused);
    }
  });

  it('is named in one short line, whatever it says', () => {
    const named = (reference: unknown) => {
      try {
        soundSubmission({ ...least, reference } as SubmitCommand);
      } catch (error) {
        return /^validation_failed: the command about (.*) is not sent/.exec((error as Error).message)?.[1];
      }
      return null;
    };
    expect(['x'.repeat(5_000), 'a\nb', 'a\ud800', undefined].map(named)).toEqual([
      ...[`"${'x'.repeat(40)}"`, '"a\\nb"', '"a\ufffd"', 'no reference'],
    ]);
  });

  it('has what is undefined as if it had been left out', () => {
    const unset = { amount: undefined, route: undefined, metadata: undefined, deadline: undefined };
    expect(soundSubmission({ ...least, ...unset, id: undefined, clock: undefined } as never)).toEqual(
      soundSubmission(least),
    );
    const unsaid = { outcome: undefined, progress: undefined, reason: undefined, fee: undefined };
    expect(soundReport({ reference: 'ord-1', step: 'acknowledged', ...unsaid } as never)).toEqual(
      soundReport({ reference: 'ord-1', step: 'acknowledged' }),
    );
  });

  it('reports no more than the provider said', () => {
    expect(soundReport({ ...report, providerTime: new Date(0) })).toEqual({
      ...{ ...report, progress: '', reason: null, amount: null, providerReference: null },
      providerTime: '1970-01-01T00:00:00.000000Z',
    });
  });

  it.each([
    ['/reference', { reference: '' }],
    ['/step', { step: 'done', outcome: null }],
    ['/outcome', { outcome: null }],
    ['/outcome', { step: 'acknowledged' }],
    ['/outcome', { outcome: 'paid' }],
    ['/progress', { step: 'progressed', outcome: null }],
    ['/progress', { progress: 'x'.repeat(257) }],
    ['/reason', { reason: 'a\0b' }],
    ['/providerReference', { providerReference: '\ud800' }],
    ['/amount/amount', { amount: { amount: -1n, currency: 'EUR' } }],
    ['/amount/amount', { amount: { amount: 1, currency: 'EUR' } }],
    ['/amount/currency', { amount: { amount: 1n, currency: 'x'.repeat(257) } }],
    ['/fee/amount', { fee: { amount: -1n, currency: 'EUR' } }],
    ['/providerTime', { providerTime: 'soon' }],
    ['/clock', { clock: ' ', time: new Date(0) }],
    ['/time', { clock: 'import-1' }],
    ['/id', { id: '' }],
    ['/amount/amount', { amount: { amount: 2n ** 63n, currency: 'EUR' } }],
    ['/amount', { amount: '' }],
    ['/fee', { fee: 5n }],
    ['/fee/scale', { fee: { amount: 5n, currency: 'EUR', scale: 2 } }],
    ['/traceparent', { traceparent: '00-0' }],
  ])('a report is refused by its %s: %p', (pointer, over) => {
    expect(() => soundReport({ ...report, ...over } as ReportCommand)).toThrow(
      expect.objectContaining({
        code: 'validation_failed',
        errors: [expect.objectContaining({ pointer })],
      }),
    );
  });
});
