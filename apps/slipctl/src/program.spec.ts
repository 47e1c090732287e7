import { describe, expect, it } from '@jest/globals';
import type { Command } from 'commander';
import { Terminal } from './output/terminal.ts';
import { buildProgram } from './program.ts';

const program = buildProgram({
  ...{ terminal: new Terminal({ write() {} }, () => 0), nowMs: () => 0, print() {}, async write() {} },
  ...{ exit() {}, refuse() {}, interruptible: () => new AbortController().signal },
});

function helpOf(command: Command): string {
  let help = '';
  command.configureOutput({ writeOut: (text) => (help += text) });
  command.outputHelp();
  return help;
}

/** What can be called: commands that have none below them. */
const callable = program
  .createHelp()
  .visibleCommands(program)
  .flatMap((command) => (command.commands.length === 0 ? [command] : command.commands.map((below) => below)));

describe('the help', () => {
  it.each(
    callable
      .filter((command) => command.name() !== 'help')
      .map((command) => [
        `${command.parent === program ? '' : `${command.parent!.name()} `}${command.name()}`,
        command,
      ]),
  )('of %s shows how it is called', (name, command) => {
    const [, examples = ''] = helpOf(command as Command).split('\nExamples:\n');
    expect(examples.split('\n\n')[0]).toContain(`slipctl ${name}`);
    expect(helpOf(command as Command).split('\nExamples:\n')).toHaveLength(2);
  });
});
