import wrapAnsi from 'wrap-ansi';

/** As wide as Commander writes where there is no terminal. */
const widthDefault = 80;

/**
 * The help in the terminal's width: Commander breaks what it writes itself, and not the texts that stand behind it. What is
 * indented, an example or a list, stays as it is: it is there to be copied.
 */
export function fitHelp(help: string, given: number | undefined): string {
  const width = given || widthDefault;
  const [before = ''] = /^\n*/.exec(help)!;
  const fitted = help
    .slice(before.length)
    .split('\n\n')
    .map((paragraph) => {
      const [prose, rest] = split(paragraph);
      return [...(prose === '' ? [] : [wrapAnsi(prose, width)]), ...rest].join('\n');
    })
    .join('\n\n');
  return before + fitted;
}

/** A paragraph's prose on one line, and its lines from the first one that is indented. */
function split(paragraph: string): [string, string[]] {
  const lines = paragraph.split('\n');
  const at = lines.findIndex((line) => line === '' || line.startsWith(' '));
  const end = at < 0 ? lines.length : at;
  return [lines.slice(0, end).join(' '), lines.slice(end)];
}
