import { CliError } from '../exit.ts';

/** A mistyped type would find nothing, and say so of a log that has some. @throws CliError (usage) */
export async function requireTypes(types: readonly string[] | undefined): Promise<void> {
  if (types === undefined) return;
  const { typeProblem } = await import('@slipstream/contracts');
  for (const type of types) {
    const problem = typeProblem(type);
    if (problem !== null) throw new CliError('usage', problem);
  }
}
