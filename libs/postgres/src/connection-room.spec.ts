import { expect, test } from '@jest/globals';
import { judgeRoom } from './connection-room.ts';

test.each([
  ['room for all', { wanted: 12, allowed: 97, taken: 85 }, 'enough'],
  ['one too few while the others hold theirs', { wanted: 12, allowed: 97, taken: 86 }, 'tight'],
  ['all of it', { wanted: 12, allowed: 12, taken: 0 }, 'enough'],
  ['more than there ever is', { wanted: 13, allowed: 12, taken: 0 }, 'none'],
])('%s', (_case, room, kind) => {
  expect(judgeRoom(room).kind).toBe(kind);
});

test('what is missing is told in numbers, with what to do', () => {
  expect(judgeRoom({ wanted: 20, allowed: 97, taken: 90 })).toEqual({
    kind: 'tight',
    why: 'this service opens up to 20 connections, PostgreSQL allows 97, and 90 are taken by others: 13 may be missing under load; raise max_connections',
  });
  expect(judgeRoom({ wanted: 20, allowed: 10, taken: 0 })).toEqual({
    kind: 'none',
    why: 'this service opens up to 20 connections, PostgreSQL allows 10: raise max_connections, or the limit of its role or database',
  });
});
