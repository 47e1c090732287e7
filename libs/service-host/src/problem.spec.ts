import { describe, expect, it } from '@jest/globals';
import { HttpException } from '@nestjs/common';
import { SlipstreamError } from '@slipstream/kernel';
import { problemHeaders, toProblem } from './problem.ts';

const coded = (code: string, message = 'secret') => Object.assign(new Error(message), { code });
const answerTo = (error: unknown) => {
  const problem = toProblem(error);
  return [problem.status, problem.code, problemHeaders(problem)['retry-after']];
};

describe('what the caller gets', () => {
  it.each<[string, unknown]>([
    ['a database that shuts down', coded('57P01')],
    ['a statement that took too long', coded('57014')],
    ['a lost connection', new Error('Connection terminated unexpectedly')],
    ['no connection in time', new Error('timeout exceeded when trying to connect')],
    ['a refused connection', coded('ECONNREFUSED')],
    ['a right that was taken away', coded('42501')],
    ['a password that was changed', coded('28P01')],
    ['a table that is not there', coded('42P01')],
    ['one of them inside the ORM’s error', Object.assign(new Error('x'), { driverError: coded('08006') })],
  ])('when it is %s may be asked for again', (_, error) => {
    expect(answerTo(error)).toEqual([503, 'unavailable', '1']);
    expect(toProblem(error).detail).not.toContain('secret');
  });

  it.each<[string, unknown, unknown[]]>([
    ['a bug', new TypeError('x'), [500, 'internal', undefined]],
    ['a broken constraint', coded('23505'), [500, 'internal', undefined]],
    ['an answer of the framework', new HttpException('gone', 404), [404, 'not_found', undefined]],
    [
      'an error with a code of ours',
      new SlipstreamError('conflict', 'no', { cause: coded('57P01') }),
      [409, 'conflict', undefined],
    ],
  ])('when it is %s stays what it is', (_, error, expected) => {
    expect(answerTo(error)).toEqual(expected);
  });
});
