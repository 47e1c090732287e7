import { writeFileSync } from 'node:fs';
import { CliError, messageOf } from '../exit.ts';

/** A file that an option names. @throws CliError (usage) when it cannot be written */
export function writeText(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (error) {
    throw new CliError('usage', `${file} cannot be written: ${messageOf(error)}`);
  }
}
