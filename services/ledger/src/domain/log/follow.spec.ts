import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { at, recordedAs, submitted } from '../../../test/builders.ts';
import { follow, type LogRecord, type Sha256 } from './follow.ts';

const sha256: Sha256 = (bytes, before = '') =>
  createHash('sha256').update(before, 'latin1').update(bytes).digest('binary');

function record(number: number, rest: Partial<LogRecord> = {}): LogRecord {
  const recorded = recordedAs(submitted(), number);
  const { id: eventId, slipId, source, clock, time, receivedTime } = recorded;
  return {
    ...{ eventId, slipId, source, clock, time, receivedTime, recorded },
    partition: 0,
    offset: number * 10,
    sequence: number,
    type: 'slipstream.slip.submitted.v1',
    bytes: Buffer.from(`bytes ${number}`),
    traceparent: '',
    ...rest,
  };
}

describe('a slip follows its log', () => {
  it('counts events and chains their bytes', () => {
    const first = follow(null, record(1), sha256);
    const second = follow(first, record(2), sha256);
    expect(first).toMatchObject({ version: 1, position: 10, chain: sha256(Buffer.from('bytes 1')) });
    expect(second).toMatchObject({
      version: 2,
      position: 20,
      chain: sha256(Buffer.from('bytes 2'), first.chain),
    });
  });

  it('counts and chains an event of an unknown type, and folds nothing', () => {
    const unknown = record(1, { recorded: null, type: 'slipstream.slip.levitated.v9' });
    const slip = follow(null, unknown, sha256);
    expect(slip).toMatchObject({ version: 1, state: null, listedAt: at(1) });
    expect(follow(slip, record(2), sha256)).toMatchObject({ version: 2, listedAt: at(1) });
  });

  it('is listed at the importer’s time on a clock of its own', () => {
    const rejected = recordedAs(
      { type: 'SlipRejected', data: { caller: 'shop', reference: 'r', rule: 'limit', detail: '' } },
      5,
      'slip-1',
      'import-1',
    );
    const imported = record(5, {
      clock: 'import-1',
      receivedTime: at(1),
      recorded: { ...rejected, receivedTime: at(1) },
    });
    expect(follow(null, imported, sha256).listedAt).toBe(at(1));
  });
});
