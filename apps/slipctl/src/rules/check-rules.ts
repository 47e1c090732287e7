import { StartError } from '@slipstream/kernel';
import { parseRules, problemAt, type Rules } from '@slipstream/rules';
import { runServiceProgram } from '../service-program.ts';
import { filledIn, placeholder, variablesIn } from './placeholders.ts';

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

interface Checked {
  readonly text: string;
  /** Where the text was read, for the gateway's own program. */
  readonly file: string;
  /** Where its variables are looked up. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** @throws CliError when the gateway's own program cannot be asked */
export async function checkRules({ text, file, environment }: Checked): Promise<RulesReport> {
  const names = variablesIn(text);
  const unset = names.filter((name) => !environment[name]).sort();
  const set = Object.fromEntries(names.map((name) => [name, environment[name] ?? '']));
  const filled = { ...set, ...filledIn(unset) };
  try {
    const rules = parseRules(text, { file: '', environment: filled });
    const problems = await problemsOfGateway(rules, file, filled);
    const located = problems.map((problem) => toProblem(`:${problemAt(text, problem)}`)).sort(inFileOrder);
    const ok = located.length === 0;
    return { ok, digest: ok ? rules.digest : null, problems: located, unset_variables: unset };
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    return { ok: false, digest: null, problems: error.problems.map(toProblem), unset_variables: unset };
  }
}

interface GatewayProblem {
  /** `providers`, the provider's id and the key. */
  readonly path: readonly string[];
  readonly reason: string;
}

/** What the protocols of its providers cannot do, and secrets that they cannot use. */
async function problemsOfGateway(
  { providers }: Rules,
  file: string,
  env: Readonly<Record<string, string>>,
): Promise<readonly GatewayProblem[]> {
  const program = { path: 'provider-gateway/dist/check/main.js', args: [file], what: 'the rules file' };
  const problems = await runServiceProgram<readonly string[]>({ ...program, env });
  return problems.flatMap((text) => {
    const [, id, key, reason] = /^providers\.([^.]+)\.(\w+): (.*)$/s.exec(text) ?? [];
    if (id === undefined || key === undefined || reason === undefined) return { path: [], reason: text };
    const { current, next } = providers.get(id)!.secrets;
    const secret = key === 'secret' ? current : key === 'secret_next' ? next : null;
    // What it will be is not known here.
    return secret?.includes(placeholder) ? [] : { path: ['providers', id, key], reason };
  });
}

const inFileOrder = (a: RulesProblem, b: RulesProblem) => a.line - b.line || a.column - b.column;

/** `:line:column: reason` */
function toProblem(text: string): RulesProblem {
  const [, line, column, reason] = /^:(\d+):(\d+): (.*)$/s.exec(text) ?? [];
  return { line: Number(line), column: Number(column), reason: reason ?? text };
}
