import { expect, test } from '@jest/globals';
import { isTraceContext, traceIdOf } from '@slipstream/kernel';
import { givenOrNewTraceContext, newTraceContext } from './new-trace-context.ts';

test('each is a trace context of its own that says that nothing was recorded', () => {
  const made = Array.from({ length: 1_000 }, newTraceContext);
  expect(
    made.filter((text) => !isTraceContext(text) || !text.startsWith('00-') || !text.endsWith('-00')),
  ).toEqual([]);
  expect(new Set(made.map(traceIdOf)).size).toBe(1_000);
  expect(new Set(made.map((text) => text.slice(36, 52))).size).toBe(1_000);
});

test('what a caller gives stays as it is; what is none is as if nothing were given', () => {
  const given = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  expect(givenOrNewTraceContext(given)).toBe(given);
  for (const other of [undefined, '', 'x', `00-${'0'.repeat(32)}-b7ad6b7169203331-01`, [given, given]]) {
    expect(traceIdOf(givenOrNewTraceContext(other))).toMatch(/^(?!0{32})[\da-f]{32}$/);
  }
});
