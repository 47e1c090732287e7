import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { table } from './table.ts';
import { Terminal } from './terminal.ts';
import { visible, visibleLine } from './visible.ts';

const esc = '\u001b';

describe('a text of anybody, on a terminal', () => {
  it.each([
    ['clears no screen', `${esc}[2J`, '\\u001b[2J'],
    ['renames no window', `${esc}]0;owned\u0007`, '\\u001b]0;owned\\u0007'],
    ['hides nothing', `${esc}[8msecret`, '\\u001b[8msecret'],
    ['commands by no single byte', '\u009b2J', '\\u009b2J'],
    ['goes not back to the begin of its line', 'failed\rok', 'failed\\u000dok'],
    ['is not read backwards', 'pay\u202egnp', 'pay\\u202egnp'],
    ['is otherwise what it was', '汇款 ✓ العربية\tä\n', '汇款 ✓ العربية\tä\n'],
    ['keeps our own colours', `${esc}[31mWRONG${esc}[39m`, `${esc}[31mWRONG${esc}[39m`],
  ])('%s', (_, text, shown) => expect(visible(text)).toBe(shown));

  it('begins no line of its own', () => {
    expect(visibleLine('reason\n#9  settled')).toBe('reason\\u000a#9  settled');
  });

  it('is the same JSON', () => {
    const texts = fc.string({ unit: 'binary' });
    fc.assert(fc.property(texts, (text) => expect(JSON.parse(visible(JSON.stringify(text)))).toBe(text)));
  });

  it('is so in tables and messages', () => {
    expect(table([['key'], [`${esc}[2Jcmd`]], 40)).toBe('key\n\\u001b[2Jcmd');
    let said = '';
    new Terminal({ write: (text) => (said += text) }, () => 0).say(`no ${esc}]52;c;x\u0007`);
    expect(said).toBe('no \\u001b]52;c;x\\u0007\n');
  });
});
