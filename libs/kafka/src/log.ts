/** Where this library says what it does: one line per call, fields beside the text. */
export interface Log {
  info(message: string, fields?: object): void;
  warn(message: string, fields?: object): void;
  error(message: string, fields?: object): void;
}

/** One JSON object per line on standard error. */
export const jsonLog: Log = {
  info: (message, fields) => write('info', message, fields),
  warn: (message, fields) => write('warn', message, fields),
  error: (message, fields) => write('error', message, fields),
};

let names: object = {};

/** Says in every line of {@link jsonLog} whose it is, as the lines of the service's own logger do. */
export function nameLogLines(of: { readonly service: string; readonly instance: string }): void {
  names = { service: of.service, instance: of.instance };
}

function write(level: string, message: string, fields: object = {}): void {
  const line = { time: new Date().toISOString(), ...names, level, message, ...fields };
  process.stderr.write(`${JSON.stringify(line)}\n`);
}

/** An error's class and text for a log line or a dead letter, without its stack. */
export function describeError(error: unknown): { errorClass: string; detail: string } {
  if (!(error instanceof Error)) return { errorClass: typeof error, detail: String(error).slice(0, 1000) };
  const code = (error as { code?: unknown }).code;
  const named = typeof code === 'string' && !error.message.includes(code) ? `${code}: ` : '';
  return { errorClass: error.name || 'Error', detail: `${named}${error.message}`.slice(0, 1000) };
}
