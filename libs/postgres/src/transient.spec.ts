import { runInNewContext } from 'node:vm';
import { describe, expect, it } from '@jest/globals';
import { classifyDatabaseError, isLockTimeout } from './transient.ts';

const coded = (code: string) => Object.assign(new Error('query failed'), { code });

describe('classifyDatabaseError', () => {
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
    'ECONNREFUSED',
    'ECONNRESET',
    'ETIMEDOUT',
    'EPIPE',
    'ENOTFOUND',
    'EAI_AGAIN',
  ])('takes %s for transient', (code) => expect(classifyDatabaseError(coded(code))).toBe('transient'));

  it('takes an error of another realm for what it is, as those of sockets are', () => {
    const foreign = runInNewContext("Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' })");
    expect(foreign instanceof Error).toBe(false);
    expect(classifyDatabaseError(foreign)).toBe('transient');
    expect(classifyDatabaseError(new Error('failed', { cause: foreign }))).toBe('transient');
  });

  it.each([
    'timeout exceeded when trying to connect',
    'Connection terminated unexpectedly',
    'Connection terminated due to connection timeout',
    'Client has encountered a connection error and is not queryable',
    'Query read timeout',
    'Driver not Connected',
    'Query runner already released. Cannot run queries anymore.',
  ])('takes "%s" for transient', (message) =>
    expect(classifyDatabaseError(new Error(message))).toBe('transient'),
  );

  it.each(['42P01', '42703', '42501', '28P01', '3D000', '55000', '58030', 'XX000', '0A000'])(
    'takes %s for the fault of the setup',
    (code) => expect(classifyDatabaseError(coded(code))).toBe('setup'),
  );

  it.each(['23505', '22021', '22P02', '21000', '54000', 'P0001'])(
    'takes %s for the fault of the data',
    (code) => expect(classifyDatabaseError(coded(code))).toBe('data'),
  );

  it('finds the cause behind wrappers, and lets what is nobody’s value outweigh a value', () => {
    const swallowed = new Error('a query failed inside the transaction and was swallowed', {
      cause: coded('40P01'),
    });
    expect(classifyDatabaseError(swallowed)).toBe('transient');
    const driver = Object.assign(new Error('QueryFailedError'), { driverError: coded('42P01') });
    expect(classifyDatabaseError(driver)).toBe('setup');
    expect(classifyDatabaseError(Object.assign(coded('23505'), { cause: coded('08006') }))).toBe('transient');
    expect(classifyDatabaseError(Object.assign(coded('23505'), { cause: coded('42P01') }))).toBe('setup');
  });

  it.each([[new TypeError('x')], [coded('ERR_INVALID_ARG_TYPE')], [coded('ENOENT')], ['text'], [null]])(
    'says nothing of %p',
    (error) => expect(classifyDatabaseError(error)).toBeNull(),
  );
});

it('knows a wait for a lock that was given up, also behind wrappers', () => {
  const driver = Object.assign(new Error('QueryFailedError'), { driverError: coded('55P03') });
  expect([coded('55P03'), driver, new Error('x', { cause: driver })].map(isLockTimeout)).toEqual([
    true,
    true,
    true,
  ]);
  expect([coded('57014'), coded('40P01'), new Error('x'), null].map(isLockTimeout)).not.toContain(true);
});
