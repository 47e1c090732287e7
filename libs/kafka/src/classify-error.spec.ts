import { describe, expect, it } from '@jest/globals';
import { SlipstreamError } from '@slipstream/kernel';
import { classifyError } from './classify-error.ts';
import { type ConsumedRecord, RecordRejected, type StoreFailure } from './ports.ts';

const record = { offset: 1 } as ConsumedRecord;
/** A store that blames as told. */
const store = (fault: StoreFailure | null) => ({ classify: () => fault });
const silent = store(null);

describe('classifyError', () => {
  it.each(['transient', 'setup'] as const)('waits out what the store calls %s', (fault) => {
    expect(classifyError(new Error('any'), store(fault))).toBe('transient');
    expect(classifyError(new RecordRejected(record, 'no'), store(fault))).toBe('transient');
  });

  it('knows a fence, a rejection, an undecodable and a too new record, also behind wrappers', () => {
    const fenced = Object.assign(new Error('gone'), { name: 'FencedError' });
    expect(classifyError(fenced, store('transient'))).toBe('fenced');
    expect(classifyError(new Error('outer', { cause: fenced }), silent)).toBe('fenced');
    expect(classifyError(new RecordRejected(record, 'no'), store('data'))).toBe('rejected');
    expect(classifyError(new SlipstreamError('undecodable_record', 'no'), silent)).toBe('undecodable');
    expect(classifyError(new SlipstreamError('too_new', 'value 9'), silent)).toBe('too_new');
    expect(classifyError(new SlipstreamError('unavailable', 'later'), silent)).toBe('transient');
  });

  it.each([[new TypeError('x')], [new SlipstreamError('conflict', 'x')], ['text'], [null]])(
    'takes %p for a bug',
    (error) => {
      expect(classifyError(error, silent)).toBe('unknown');
      expect(classifyError(error, store('data'))).toBe('unknown');
    },
  );
});
