import { readFileSync } from 'node:fs';
import { StartError } from '@slipstream/kernel';
import { CliError, messageOf } from '../exit.ts';
import { plainRules } from './plain-rules.ts';

/** The rules of a file as they would be in force. @throws CliError (usage) where it cannot be read, or breaks a rule */
export function rulesIn(file: string): Record<string, unknown> {
  try {
    return plainRules(textOf(file), file);
  } catch (error) {
    if (error instanceof StartError) throw new CliError('usage', error.message);
    throw error;
  }
}

/** @throws CliError (usage) */
export function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new CliError('usage', `${file} cannot be read: ${messageOf(error)}`, { cause: error });
  }
}
