import { StartError } from '@slipstream/kernel';
import { parseRules } from '@slipstream/rules';
import { filledIn, variablesIn } from './placeholders.ts';

/** What is wrong with a rules file, and where. */
export interface RulesProblem {
  readonly line: number;
  readonly column: number;
  readonly reason: string;
}

/** What the services would make of a rules file. */
export interface RulesReport {
  readonly ok: boolean;
  /** Of the rules, as events carry it; null while they have problems. */
  readonly digest: string | null;
  readonly problems: readonly RulesProblem[];
  /** Variables that it names and that are not set here: the services need them. */
  readonly unset_variables: readonly string[];
}

/** @param environment where its variables are looked up */
export function checkRules(
  text: string,
  environment: Readonly<Record<string, string | undefined>>,
): RulesReport {
  const unset = variablesIn(text)
    .filter((name) => !environment[name])
    .sort();
  const filled = { ...environment, ...filledIn(unset) };
  try {
    const { digest } = parseRules(text, { file: '', environment: filled });
    return { ok: true, digest, problems: [], unset_variables: unset };
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    return { ok: false, digest: null, problems: error.problems.map(toProblem), unset_variables: unset };
  }
}

/** `:line:column: reason` */
function toProblem(text: string): RulesProblem {
  const [, line, column, reason] = /^:(\d+):(\d+): (.*)$/s.exec(text) ?? [];
  return { line: Number(line), column: Number(column), reason: reason ?? text };
}
