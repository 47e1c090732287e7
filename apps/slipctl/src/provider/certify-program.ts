import { runServiceProgram } from '../service-program.ts';

export interface Check {
  readonly check: string;
  readonly verdict: 'kept' | 'broken' | 'lacks' | 'not_shown';
  readonly detail: string;
}

export interface Certified {
  readonly report: {
    readonly checks: readonly Check[];
    readonly capabilities: Readonly<Record<string, unknown>>;
    readonly exchanges: number;
  };
  /** null: no key was given. */
  readonly signed: string | null;
  /** NDJSON: an exchange a line. */
  readonly tape: string;
}

/** @throws CliError with what the program says is wrong */
export function runCertifyProgram(
  settings: object,
  secrets: Readonly<Record<string, string>>,
  onProgress: (done: number, total: number) => void,
): Promise<Certified> {
  const program = { path: 'provider-gateway/dist/certify/main.js', args: [JSON.stringify(settings)] };
  return runServiceProgram({ ...program, env: secrets, what: "the provider's sandbox" }, onProgress);
}
