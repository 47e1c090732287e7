import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { compareMessages, coveredBy, messageId, messagesOf, toCommand } from './messages.ts';
import { mappingWith, rowOf } from './spec-support.ts';

const end = '2019-01-01T00:00:00.000000Z';
const row = rowOf(mappingWith(), { moved: '2018-01-02 08:00:00' });

describe('the messages of a row', () => {
  it('are the submission and each report, at their own times', () => {
    expect(messagesOf(row, 'sent', end).map(({ step, at }) => [step, at])).toEqual([
      ['submitted', '2018-01-01T10:00:00.000000Z'],
      ['acknowledged', '2018-01-01T10:05:00.000000Z'],
      ['progressed', '2018-01-02T08:00:00.000000Z'],
      ['returned', '2018-01-03T09:00:00.000000Z'],
    ]);
  });

  it('end with the clock, to the microsecond', () => {
    expect(messagesOf(row, 'sent', '2018-01-02T08:00:00.000000Z').map(({ step }) => step)).toEqual([
      'submitted',
      'acknowledged',
      'progressed',
    ]);
    expect(messagesOf(row, 'sent', '2018-01-01T10:00:00.000000Z')).toHaveLength(1);
    expect(messagesOf(row, 'sent', '2018-01-01T09:59:59.999999Z')).toEqual([]);
  });

  it('come after the submission, even those that claim to be older', () => {
    const odd = rowOf(mappingWith(), { taken: '2018-01-01 09:00:00' });
    const sorted = messagesOf(odd, 'sent', end).toSorted(compareMessages);
    expect(sorted[0]).toMatchObject({ step: 'submitted', at: odd.submittedAt });
    expect(sorted[0]!.sortAt).toBe('2018-01-01T09:00:00.000000Z');
    expect(coveredBy(sorted[0]!)).toBe('2018-01-01T08:59:59.999999Z');
  });

  it('have the same ids whenever the same row is imported on the same clock, and no other has them', () => {
    const ids = (clock: string) => messagesOf(row, 'sent', end).map((message) => messageId(clock, message));
    expect(ids('c1')).toEqual(ids('c1'));
    expect(new Set([...ids('c1'), ...ids('c2')]).size).toBe(8);
    // Written down: another version of this program must give the same.
    expect(ids('c1')[0]).toBe('80a368f5-8092-5279-92d7-5f90fdd8b230');
  });

  it('are commands with the time of the event itself', () => {
    const [submit, acknowledged, , returned] = messagesOf(row, 'sent', end).map((message) =>
      toCommand(message, 'c1'),
    );
    expect(submit).toEqual({
      submit: expect.objectContaining({
        ...{ clock: 'c1', time: row.submittedAt, deadline: row.deadline, amount: null },
        ...{ reference: 'o-1', route: 'import', kind: 'order', account: 'c-1', counterparty: 'shop' },
      }),
    });
    expect(acknowledged).toMatchObject({ report: { step: 'acknowledged', outcome: null, progress: '' } });
    expect(returned).toMatchObject({
      report: {
        step: 'returned',
        outcome: 'succeeded',
        time: '2018-01-03T09:00:00.000000Z',
        providerTime: '2018-01-03T09:00:00.000000Z',
      },
    });
  });

  it('have one order, however they were mixed', () => {
    const messages = ['o-1', 'o-2', 'o-3'].flatMap((ref) =>
      messagesOf(rowOf(mappingWith(), { ref, taken: '2018-01-01 10:00:00' }), 'sent', end),
    );
    const sorted = messages.toSorted(compareMessages);
    fc.assert(
      fc.property(fc.shuffledSubarray(messages, { minLength: messages.length }), (mixed) => {
        expect(mixed.toSorted(compareMessages)).toEqual(sorted);
      }),
    );
  });
});
