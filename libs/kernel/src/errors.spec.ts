import { describe, expect, it } from '@jest/globals';
import {
  assert,
  err,
  errorCodes,
  InvariantError,
  isSlipstreamError,
  isUuid,
  must,
  ok,
  SlipstreamError,
  unreachable,
} from './index.ts';

describe('SlipstreamError', () => {
  it('keeps code, detail, wrong fields and cause', () => {
    const cause = new Error('connection refused');
    const errors = [{ pointer: '/amount/amount', detail: 'must be a positive integer' }];
    const error = new SlipstreamError('validation_failed', 'one field is wrong', { errors, cause });
    expect(error).toMatchObject({
      name: 'SlipstreamError',
      code: 'validation_failed',
      detail: 'one field is wrong',
      errors,
      cause,
    });
    expect(error.message).toBe('validation_failed: one field is wrong');
  });

  it('is known by its shape, also from another copy of the package', () => {
    const foreign = Object.assign(new Error('x'), { name: 'SlipstreamError', code: 'not_found' });
    expect(isSlipstreamError(new SlipstreamError('internal', 'x'))).toBe(true);
    expect(isSlipstreamError(foreign)).toBe(true);
    expect(isSlipstreamError(new Error('x'))).toBe(false);
    expect(isSlipstreamError({ name: 'SlipstreamError', code: 'not_found' })).toBe(false);
    expect(isSlipstreamError(null)).toBe(false);
  });

  it('has codes in snake_case with a title that ends without a full stop', () => {
    for (const [code, { title }] of Object.entries(errorCodes)) {
      expect(code).toMatch(/^[a-z]+(_[a-z]+)*$/);
      expect(title).toMatch(/^[A-Z].*[^.]$/);
    }
  });
});

describe('assertions', () => {
  it('throw an InvariantError that says what broke', () => {
    expect(() => assert(false, 'seq must be positive')).toThrow(new InvariantError('seq must be positive'));
    expect(() => must(null, 'no slip')).toThrow(new InvariantError('no slip'));
    expect(() => must(undefined, 'no slip')).toThrow(InvariantError);
    expect(() => unreachable('other' as never)).toThrow('unreachable: other');
  });

  it('let what holds pass, also 0, "" and false', () => {
    expect(() => assert(1, 'x')).not.toThrow();
    expect([must(0, 'x'), must('', 'x'), must(false, 'x')]).toEqual([0, '', false]);
  });
});

describe('Result', () => {
  it('is ok with a value or an error with a reason', () => {
    expect(ok(1)).toEqual({ ok: true, value: 1 });
    expect(err('no')).toEqual({ ok: false, error: 'no' });
  });
});

describe('isUuid', () => {
  it('takes the canonical lower-case form only', () => {
    expect(isUuid('0199f1a0-7c1e-7b3a-8a52-3c1f0e9d4b11')).toBe(true);
    for (const bad of [
      '0199F1A0-7C1E-7B3A-8A52-3C1F0E9D4B11',
      '0199f1a07c1e7b3a8a523c1f0e9d4b11',
      '0199f1a0-7c1e-7b3a-8a52-3c1f0e9d4b11 ',
      '00000000-0000-0000-0000-000000000000',
      '../etc',
      '',
    ]) {
      expect(isUuid(bad)).toBe(false);
    }
  });
});
