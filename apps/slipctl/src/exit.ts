/** What the exit code tells; README.md and `--help` say the same. */
export const exitCodes = {
  ok: 0,
  /** The question was answered, and the answer is bad, or what was named is not there; or `--strict` stopped at a bad row. */
  bad: 1,
  /** Wrong usage, or input that cannot be used. */
  usage: 2,
  /** Kafka or a service could not be reached. */
  unreachable: 3,
  timeout: 4,
} as const;

export const exitCodesHelp =
  '\nExit codes: 0 all is well, 1 the answer is bad, or what was named is not there (or --strict met a bad row), 2 wrong usage or input, ' +
  '3 Kafka or a service could not be reached, 4 timeout.';

/** Ends the program with `exitCode`; the message is all that is shown. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly exit: keyof typeof exitCodes;

  constructor(exit: keyof typeof exitCodes, message: string, options?: ErrorOptions) {
    super(message, options);
    this.exit = exit;
  }

  get exitCode(): number {
    return exitCodes[this.exit];
  }
}

/** The text of anything thrown. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(messageOf).join('; ');
  if (!(error instanceof Error)) return String(error);
  // kafkajs has an error of its own for several topics: what was wrong stands below.
  const { errors } = error as { errors?: unknown };
  return Array.isArray(errors) && errors.length > 0
    ? `${error.message}: ${errors.map(messageOf).join('; ')}`
    : error.message;
}

/** An error as it is told with `--json`. */
export function errorJson(error: string, exitCode: number): string {
  return JSON.stringify({ error, exit_code: exitCode });
}
