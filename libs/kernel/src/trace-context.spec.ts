import { expect, test } from '@jest/globals';
import { isTraceContext, traceIdOf } from './trace-context.ts';

const trace = '0af7651916cd43dd8448eb211c80319c';
const span = 'b7ad6b7169203331';

test.each([`00-${trace}-${span}-01`, `00-${trace}-${span}-00`, `cc-${trace}-${span}-ff`])(
  'is a trace context, and names its trace: %s',
  (text) => {
    expect(isTraceContext(text)).toBe(true);
    expect(traceIdOf(text)).toBe(trace);
  },
);

test.each([
  ...['', 'x', `00-${trace}-${span}`, `00-${trace}-${span}-01-more`, `00-${trace.toUpperCase()}-${span}-01`],
  ...[`00-${'0'.repeat(32)}-${span}-01`, `00-${trace}-${'0'.repeat(16)}-01`, `ff-${trace}-${span}-01`],
  ...[` 00-${trace}-${span}-01`, `00-${trace}-${span}-01\n`, undefined, null, 7, [`00-${trace}-${span}-01`]],
])('is none: %j', (text) => {
  expect(isTraceContext(text)).toBe(false);
  expect(traceIdOf(text)).toBeNull();
});
