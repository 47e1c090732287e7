import { CliError, messageOf } from './exit.ts';

/** A service answered, but not with what was asked for. */
export class ApiError extends CliError {
  readonly status: number;

  constructor(status: number, message: string) {
    super(status >= 500 || status === 429 ? 'unreachable' : status === 404 ? 'bad' : 'usage', message);
    this.status = status;
  }
}

export interface ApiOptions {
  /** For messages: "ledger". */
  readonly name: string;
  readonly url: string;
  readonly token: string;
  /** Longest wait for one answer. */
  readonly timeoutMs: number;
}

/** One page of a collection (HTTP contract, section 7). */
export interface Page<T> {
  readonly data: readonly T[];
  readonly next: string | null;
}

type Query = Readonly<Record<string, string | undefined>>;

/** Asks one service over HTTP. */
export class Api {
  readonly #options: ApiOptions;

  constructor(options: ApiOptions) {
    if (!URL.canParse(options.url)) {
      throw new CliError('usage', `the address of ${options.name} is no URL: ${options.url}`);
    }
    this.#options = options;
  }

  /** @throws ApiError for an error answer, CliError (unreachable, timeout) without one */
  async get<T>(path: string, query: Query = {}): Promise<T> {
    const target = this.#target(path);
    for (const [key, value] of Object.entries(query)) {
      if (value !== undefined) target.searchParams.set(key, value);
    }
    return this.#ask(target, {});
  }

  /** @throws as {@link get} */
  async post<T>(path: string, body: object): Promise<T> {
    const headers = { 'content-type': 'application/json' };
    return this.#ask(this.#target(path), { method: 'POST', headers, body: JSON.stringify(body) });
  }

  #target(path: string): URL {
    const { url } = this.#options;
    return new URL(path, url.endsWith('/') ? url : `${url}/`);
  }

  async #ask<T>(target: URL, init: { method?: string; headers?: object; body?: string }): Promise<T> {
    const { name, token, timeoutMs } = this.#options;
    try {
      const response = await fetch(target, {
        ...init,
        headers: { ...init.headers, authorization: `Bearer ${token}`, accept: 'application/json' },
        redirect: 'error',
        signal: AbortSignal.timeout(timeoutMs),
      });
      const body = await response.text();
      if (!response.ok) throw new ApiError(response.status, problemText(name, response.status, body));
      return JSON.parse(body) as T;
    } catch (error) {
      throw this.#explained(error);
    }
  }

  /** Every item of a collection, page by page. */
  async *pages<T>(path: string, query: Query): AsyncGenerator<readonly T[]> {
    let cursor: string | undefined;
    do {
      const page: Page<T> = await this.get(path, { ...query, cursor });
      yield page.data;
      cursor = page.next ?? undefined;
    } while (cursor !== undefined);
  }

  #explained(error: unknown): CliError {
    const { name, url, timeoutMs } = this.#options;
    if (error instanceof CliError) return error;
    if (error instanceof SyntaxError) {
      return new CliError('unreachable', `${name} at ${url} does not answer in JSON: is that its address?`);
    }
    if (error instanceof DOMException && error.name === 'TimeoutError') {
      return new CliError('timeout', `${name} at ${url} gave no answer within ${timeoutMs} ms`);
    }
    const reason = error instanceof Error && error.cause ? messageOf(error.cause) : messageOf(error);
    return new CliError('unreachable', `${name} at ${url} cannot be reached: ${reason}`, { cause: error });
  }
}

/** RFC 9457, or whatever else came. */
function problemText(name: string, status: number, body: string): string {
  if (status === 401) return `${name} does not accept the bearer token (401): set TOKEN_SRE or give --token`;
  if (status === 403) return `${name} does not allow this with the given bearer token (403)`;
  try {
    const problem = JSON.parse(body) as { detail?: string; title?: string; errors?: FieldProblem[] };
    const fields = problem.errors?.map(({ pointer, detail }) => `${pointer} ${detail}`) ?? [];
    const said = [problem.detail ?? problem.title ?? '', ...fields].filter((text) => text !== '');
    if (said.length > 0) return `${name} answers ${status}: ${said.join(' ')}`;
  } catch {
    // Not JSON: the status says all there is.
  }
  return `${name} answers ${status}`;
}

interface FieldProblem {
  readonly pointer: string;
  readonly detail: string;
}
