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
  ])('is refused by its %s: %p', (pointer, over) => {
    const command = { ...least, ...over } as SubmitCommand;
    expect(() => soundSubmission(command)).toThrow(
      expect.objectContaining({
        code: 'validation_failed',
        errors: [expect.objectContaining({ pointer })],
      }),
    );
  });

  it('reports an outcome with the step that has one', () => {
    const report: ReportCommand = {
      ...{
        reference: 'ord-1',
        step: 'returned',
        outcome: 'succeeded',
        progress: '',
        reason: null,
        amount: null,
      },
      ...{ providerReference: null, providerTime: new Date(0) },
    };
    expect(soundReport(report)).toMatchObject({ providerTime: '1970-01-01T00:00:00.000000Z' });
    for (const wrong of [{ outcome: null }, { step: 'acknowledged' as const }]) {
      expect(() => soundReport({ ...report, ...wrong })).toThrow('/outcome must be there');
    }
  });
});
