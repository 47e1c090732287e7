import { Argument, type Command } from 'commander';
import { candidates, completeCommand } from '../completion/candidates.ts';
import { completionScripts } from '../completion/scripts.ts';
import { exitCodesHelp } from '../exit.ts';
import type { CommandContext } from './options.ts';

const help = `
Examples:
  source <(slipctl completion bash)            in ~/.bashrc
  source <(slipctl completion zsh)             in ~/.zshrc, after compinit
  slipctl completion fish | source             in config.fish
`;

/** Completion of commands, options and choices; the shell must find \`slipctl\` on its path. */
export function addCompletion(program: Command, { print }: CommandContext): void {
  program
    .command('completion')
    .description(
      'Print what makes a shell complete slipctl’s commands, options, and the words that they take.',
    )
    .addArgument(new Argument('<shell>').choices(Object.keys(completionScripts)))
    .addHelpText('after', help + exitCodesHelp)
    .action((shell: keyof typeof completionScripts) => print(completionScripts[shell]));
  program
    .command(completeCommand, { hidden: true })
    .argument('[words...]')
    .action(async (words: string[]) => {
      const { knownWords } = await import('../completion/known-words.ts');
      const found = candidates(program, words, knownWords);
      if (found.length > 0) print(found.join('\n'));
    });
}
