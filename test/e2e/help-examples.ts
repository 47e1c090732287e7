import type { buildProgram } from '@slipstream/slipctl';

type Command = ReturnType<typeof buildProgram>;

/** A line of a command's help that shows how it is called. */
export interface HelpExample {
  /** The command that it calls. */
  readonly command: string;
  readonly args: readonly string[];
}

/** What the help of every command shows below `Examples:`, as people would type it. */
export function helpExamples(program: Command): HelpExample[] {
  const commands = [
    program,
    ...program.commands,
    ...program.commands.flatMap(({ commands: below }) => below),
  ];
  // A command below a group shows what of the group's examples calls it.
  return [...new Set(commands.flatMap(linesOf))].map((line) => exampleOf(program, line));
}

function linesOf(command: Command): string[] {
  let help = '';
  command.configureOutput({ writeOut: (text) => (help += text) });
  command.outputHelp();
  const [, after = ''] = help.split('\nExamples:\n');
  const [block = ''] = after.split('\n\n');
  return block.split('\n').filter((line) => line.trim() !== '');
}

/** Without what a shell does with it, and without the words beside it. */
function exampleOf(program: Command, line: string): HelpExample {
  const called = /^\s+(?:\$ |source <\()?slipctl (.*)$/.exec(line)?.[1];
  if (called === undefined) throw new Error(`no example: ${line}`);
  const typed = called.split(/ {2,}| [|>] |\)/)[0]!;
  const args = [...typed.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain!);
  const [first, second] = args;
  const group = program.commands.find((command) => command.name() === first)?.commands ?? [];
  const isBelow = group.some((command) => command.name() === second);
  return { command: isBelow ? `${first} ${second}` : first!, args };
}
