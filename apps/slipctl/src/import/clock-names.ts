import { nameLengthMax } from '@slipstream/kernel';
import { CliError } from '../exit.ts';

interface Naming {
  /** null: after file and mapping. */
  readonly clock: string | null;
  readonly replaces: string | null;
  readonly caller: string;
  readonly digest: string;
}

/** Digits of the digest that tell the corrections of one import apart. */
const correctionDigits = 8;

/**
 * The clock of an import, and who is said to call. References are bound to the clock they came on, and a closed clock
 * stays closed: so a correction has a clock of its own beside the first one's, and a caller of its own, whose
 * references are free. Both are named after its content: the same correction twice is one.
 * @throws CliError (usage) when a name grows too long by that: nobody would take what is sent under it
 */
export function clockNames({ clock, replaces, caller, digest }: Naming): { clock: string; caller: string } {
  if (replaces === null) return { clock: clock ?? `import-${digest}`, caller };
  const correction = `~${digest.slice(0, correctionDigits)}`;
  const corrected = {
    clock: `${replaces.replace(/~[0-9a-f]{8}$/, '')}${correction}`,
    caller: `${caller}${correction}`,
  };
  for (const [what, name] of Object.entries(corrected)) {
    if ([...name].length > nameLengthMax) {
      throw new CliError('usage', `the ${what} ${name} would have more than ${nameLengthMax} characters`);
    }
  }
  return corrected;
}
