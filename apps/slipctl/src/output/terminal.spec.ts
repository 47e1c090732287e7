import { PassThrough } from 'node:stream';
import { expect, it } from '@jest/globals';
import { Terminal } from './terminal.ts';

const hidden = '\x1b[?25l';
const shown = '\x1b[?25h';

it('shows the cursor again, however a program ends that draws a bar', () => {
  const screen = Object.assign(new PassThrough(), { isTTY: true, columns: 80 });
  const terminal = new Terminal(screen, () => 0);
  const progress = terminal.progress('records');
  progress.update(1, 2);
  terminal.restore();
  const drawn = String(screen.read());
  expect(drawn).toContain(hidden);
  expect(drawn.lastIndexOf(shown)).toBeGreaterThan(drawn.lastIndexOf(hidden));
  // Once it is over there is nothing to be done.
  progress.stop();
  terminal.restore();
});
