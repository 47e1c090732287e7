import { describe, expect, it } from '@jest/globals';
import { recordedAs, submitted } from '../../../test/builders.ts';
import { sha256, transactionId } from '../../digests.ts';
import { foldLogged, follow, followUnread } from '../log/follow.ts';
import { foldSlip, type SlipRecord } from './fold-slip.ts';

const record = (offset: number, waits: boolean): SlipRecord => {
  const recorded = recordedAs(submitted(), offset);
  const { slipId, clock, time } = recorded;
  return {
    ...{ slipId, partition: 0, offset, clock, time, receivedTime: time, bytes: Buffer.from(`${offset}`) },
    ...{ recorded, waits },
  };
};

describe('a slip that is folded from its log', () => {
  it('waits from where its row says, also where no record of its own lies', () => {
    const first = follow(null, record(3, false), sha256);
    const behind = [record(7, true), record(12, true)].reduce(
      (slip, one) => followUnread(slip, one, sha256),
      first,
    );
    const live = foldLogged(behind, {
      ...record(7, false),
      sequence: 2,
      source: '',
      eventId: '',
      type: '',
      traceparent: '',
    });
    expect(live.waitsFrom).toBe(8);
    const records = [record(3, false), record(7, false), record(12, true)];
    const folded = foldSlip({ records, waitsFrom: 8, pending: [] }, 0, { sha256, transactionId });
    expect(folded!.slip).toEqual(live);
  });
});
