import type { Command, Option } from 'commander';

/**
 * What may stand where the last of the words is, which may be a part of it or empty. Nothing where a value is wanted that only
 * people know, or a file: then the shell has its own ideas.
 * @param known values of options that the API judges, by `--option`, or by `command --option` where that command has its own
 */
export function candidates(
  program: Command,
  words: readonly string[],
  known: Readonly<Record<string, readonly string[]>> = {},
): readonly string[] {
  const [last = '', ...before] = words.toReversed();
  let command = program;
  /** The option whose value comes next. */
  let awaited: Option | null = null;
  let operands = 0;
  for (const word of before.toReversed()) {
    const option: Option | undefined = command.options.find(
      ({ long, short }) => word === long || word === short,
    );
    if (option) awaited = option.required ? option : null;
    else if (awaited && !word.startsWith('-')) awaited = awaited.variadic ? awaited : null;
    else if (!word.startsWith('-')) {
      const next = command.commands.find((one) => one.name() === word);
      if (next) command = next;
      else operands += 1;
    }
  }
  const isOption = last.startsWith('-');
  if (awaited && !isOption) {
    const { long, argChoices } = awaited;
    return matching(argChoices ?? known[`${command.name()} ${long}`] ?? known[`${long}`] ?? [], last);
  }
  if (isOption) return matching(optionsOf(command), last);
  const names = command.commands.map((one) => one.name()).filter((name) => name !== completeCommand);
  return matching([...names, ...(command.registeredArguments[operands]?.argChoices ?? [])], last);
}

/** Asked by shells, and by nobody else. */
export const completeCommand = 'complete';

function optionsOf(command: Command): string[] {
  return [...command.options.flatMap(({ long, short }) => long ?? short ?? []), '--help'];
}

function matching(names: readonly string[], start: string): string[] {
  return names.filter((name) => name.startsWith(start)).sort();
}
