import { CliError } from '../exit.ts';

/** A mistyped type would find nothing, and say so of a log that has some. @throws CliError (usage) */
export async function requireTypes(types: readonly string[] | undefined): Promise<void> {
  if (types === undefined) return;
  const { ownedTypes } = await import('@slipstream/contracts');
  const unknown = types.find((one) => !ownedTypes.includes(one));
  if (unknown !== undefined)
    throw new CliError('usage', `there is no type ${unknown}; one is slipstream.slip.returned.v1`);
}
