import { describe, expect, it } from '@jest/globals';
import { SlipstreamError } from '@slipstream/kernel';
import { classifyError } from './classify-error.ts';
import { type ConsumedRecord, RecordRejected } from './ports.ts';

const coded = (code: string) => Object.assign(new Error('query failed'), { code });
const record = { offset: 1 } as ConsumedRecord;

describe('classifyError', () => {
  it.each([
    '40001',
    '40P01',
    '53100',
    '53300',
    '57P01',
    '57P03',
    '55P03',
    '57014',
    '08006',
    '25006',
    '25P03',
  ])('waits out SQLSTATE %s', (code) => expect(classifyError(coded(code))).toBe('transient'));

  it.each(['ECONNREFUSED', 'ECONNRESET', 'ETIMEDOUT', 'EPIPE', 'ENOTFOUND', 'EAI_AGAIN'])(
    'waits out %s',
    (code) => expect(classifyError(coded(code))).toBe('transient'),
  );

  it.each([
    'timeout exceeded when trying to connect',
    'Connection terminated unexpectedly',
    'Connection terminated due to connection timeout',
    'Client has encountered a connection error and is not queryable',
    'Driver not Connected',
  ])('waits out "%s"', (message) => expect(classifyError(new Error(message))).toBe('transient'));

  it('finds the cause behind wrappers', () => {
    const swallowed = new Error('a query failed inside the transaction and was swallowed', {
      cause: coded('40P01'),
    });
    expect(classifyError(swallowed)).toBe('transient');
    const driver = Object.assign(new Error('QueryFailedError'), { driverError: coded('08006') });
    expect(classifyError(driver)).toBe('transient');
    expect(classifyError(new RecordRejected(record, 'no', { cause: coded('53300') }))).toBe('transient');
  });

  it('knows a fence, a rejection and an undecodable record', () => {
    expect(classifyError(Object.assign(new Error('gone'), { name: 'FencedError' }))).toBe('fenced');
    expect(classifyError(new RecordRejected(record, 'no'))).toBe('rejected');
    expect(classifyError(new SlipstreamError('undecodable_record', 'no'))).toBe('undecodable');
    expect(classifyError(new SlipstreamError('unavailable', 'later'))).toBe('transient');
  });

  it.each([
    [coded('23505')],
    [coded('42P01')],
    [new TypeError('x')],
    [new SlipstreamError('conflict', 'x')],
    ['text'],
    [null],
  ])('takes %p for a bug', (error) => expect(classifyError(error)).toBe('unknown'));
});
