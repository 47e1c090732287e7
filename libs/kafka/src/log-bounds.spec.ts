import { expect, test } from '@jest/globals';
import type { Admin } from 'kafkajs';
import { readLogBounds } from './log-bounds.ts';

/** An admin client whose first answers are these errors, and what was called on it. */
function failing(...errors: object[]): { admin: Admin; calls: string[] } {
  const calls: string[] = [];
  const admin = {
    fetchTopicOffsets: async () => {
      calls.push('fetch');
      const error = errors.shift();
      if (error) throw error;
      return [{ partition: 3, offset: '9', low: '2', high: '9' }];
    },
  };
  return { admin: admin as unknown as Admin, calls };
}

test('a partition whose leader is not known yet is asked for again', async () => {
  const { admin, calls } = failing(
    { type: 'NOT_LEADER_FOR_PARTITION' },
    { type: 'NOT_LEADER_FOR_PARTITION' },
  );
  expect(await readLogBounds(admin, 't')).toEqual(new Map([[3, { start: 2, end: 9 }]]));
  expect(calls).toEqual(['fetch', 'fetch', 'fetch']);
});

test('any other error is told at once', async () => {
  const { admin, calls } = failing({ type: 'TOPIC_AUTHORIZATION_FAILED' });
  await expect(readLogBounds(admin, 't')).rejects.toEqual({ type: 'TOPIC_AUTHORIZATION_FAILED' });
  expect(calls).toEqual(['fetch']);
});
