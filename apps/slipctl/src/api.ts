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

/** What `/readyz` says. */
export interface Readiness {
  readonly ready: boolean;
  readonly checks: readonly { readonly name: string; readonly ok: boolean; readonly detail?: string }[];
}

/** One page of a collection (HTTP contract, section 7). */
export interface Page<T> {
  readonly data: readonly T[];
  readonly next: string | null;
}

/** A filter that is repeated means any of its values. */
type Query = Readonly<Record<string, string | readonly string[] | undefined>>;

interface Init {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

export interface StreamOptions {
  readonly query: Query;
  readonly accept: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Longest silence; default: as long as an answer may take. */
  readonly silenceMs?: number;
  /** Called when the answer begins, before any of it is read. */
  readonly onOpen?: () => Promise<void>;
}

/** Of one answer: a page of a thousand items of the largest size is a quarter of it. */
const answerBytesMax = 256 * 1024 * 1024;

/** Asks one service over HTTP. */
export class Api {
  readonly #options: ApiOptions;

  constructor(options: ApiOptions) {
    const problem = addressProblem(options.url) ?? tokenProblem(options.token);
    if (problem !== null) throw new CliError('usage', `${options.name}: ${problem}`);
    this.#options = options;
  }

  /** @throws ApiError for an error answer, CliError (unreachable, timeout) without one */
  async get<T>(path: string, query: Query = {}): Promise<T> {
    return this.#ask(this.#target(path, query), {});
  }

  /** @throws as {@link get} */
  async post<T>(path: string, body: object, more: Readonly<Record<string, string>> = {}): Promise<T> {
    const headers = { ...more, 'content-type': 'application/json' };
    return this.#ask(this.#target(path), { method: 'POST', headers, body: JSON.stringify(body) });
  }

  /** Sends bytes as they are. @throws as {@link get} */
  async send<T>(
    path: string,
    { query, headers, body }: { query: Query; headers: Record<string, string>; body: Uint8Array },
  ): Promise<T> {
    return this.#ask(this.#target(path, query), { method: 'POST', headers, body });
  }

  /** The bytes of an answer as they come. @throws as {@link get}, also in the middle */
  async *stream(path: string, options: StreamOptions): AsyncGenerator<Uint8Array> {
    const { name, token, timeoutMs } = this.#options;
    const { query, accept, headers, silenceMs = timeoutMs, onOpen } = options;
    const ending = new AbortController();
    const giveUp = () => ending.abort(new DOMException('silent', 'TimeoutError'));
    let waitMs = timeoutMs;
    let timer = setTimeout(giveUp, waitMs);
    const listen = () => {
      waitMs = silenceMs;
      timer = setTimeout(giveUp, waitMs);
    };
    try {
      const response = await fetch(this.#target(path, query), {
        headers: { ...headers, authorization: `Bearer ${token}`, accept },
        redirect: 'error',
        signal: ending.signal,
      });
      if (!response.ok) {
        throw new ApiError(response.status, problemText(name, response.status, await textOf(response)));
      }
      // What the reader takes for itself, a pager that nobody turns, is no silence of the service.
      clearTimeout(timer);
      await onOpen?.();
      listen();
      for await (const chunk of response.body ?? []) {
        clearTimeout(timer);
        yield chunk;
        listen();
      }
    } catch (error) {
      throw this.#explained(error, waitMs);
    } finally {
      clearTimeout(timer);
      ending.abort();
    }
  }

  /** One page of a collection as CSV or NDJSON, and the cursor of the next one. @throws as {@link get} */
  async rows(path: string, query: Query, accept: string): Promise<{ text: string; next: string | null }> {
    const { response, body } = await this.#answer(this.#target(path, query), { headers: { accept } });
    const type = response.headers.get('content-type') ?? '';
    if (!type.startsWith(accept)) {
      const { name, url } = this.#options;
      throw new CliError(
        'unreachable',
        `${name} at ${url} does not answer in ${accept}: is that its address?`,
      );
    }
    const [, next] = /<([^>]*)>; rel="next"/.exec(response.headers.get('link') ?? '') ?? [];
    const cursor = next === undefined ? null : new URL(next, this.#options.url).searchParams.get('cursor');
    return { text: body, next: cursor };
  }

  /** What the service says of itself; not ready is an answer, too. @throws CliError (unreachable, timeout) without one */
  async readiness(): Promise<Readiness> {
    const { timeoutMs } = this.#options;
    try {
      const response = await fetch(this.#target('readyz'), {
        redirect: 'error',
        signal: AbortSignal.timeout(timeoutMs),
      });
      const said = JSON.parse(await textOf(response)) as Partial<Readiness> | null;
      if (typeof said?.ready === 'boolean' && Array.isArray(said.checks)) return said as Readiness;
      const { name, url } = this.#options;
      throw new CliError(
        'unreachable',
        `${name} at ${url} does not say whether it is ready: is that its address?`,
      );
    } catch (error) {
      throw this.#explained(error);
    }
  }

  #target(path: string, query: Query = {}): URL {
    const { name, url } = this.#options;
    // A URL has no way to name them: they would lead to another route, and its answer would stand for this one's.
    if (path.split('/').some((part) => ['', '.', '..'].includes(part)))
      throw new CliError('bad', `${name} has nothing of that name: it is empty, . or ..`);
    const target = new URL(path, url.endsWith('/') ? url : `${url}/`);
    for (const [key, values] of Object.entries(query)) {
      for (const value of values === undefined ? [] : [values].flat()) target.searchParams.append(key, value);
    }
    return target;
  }

  async #ask<T>(target: URL, init: Init): Promise<T> {
    const { body } = await this.#answer(target, init);
    let said: unknown;
    try {
      said = JSON.parse(body);
    } catch (error) {
      throw this.#explained(error);
    }
    // Whatever else there is, it is one object, and a list in it is called `data` (HTTP contract, section 7).
    const { data = [], next = null } = isObject(said) ? said : { data: null };
    const isPage = Array.isArray(data) && data.every(isObject) && (next === null || typeof next === 'string');
    if (!isObject(said) || !isPage) throw this.#strange();
    return said as T;
  }

  #strange(): CliError {
    const { name, url } = this.#options;
    return new CliError(
      'unreachable',
      `${name} at ${url} does not answer as a service of ours: is that its address?`,
    );
  }

  async #answer(target: URL, init: Init): Promise<{ response: Response; body: string }> {
    const { name, token, timeoutMs } = this.#options;
    try {
      const response = await fetch(target, {
        ...init,
        headers: { accept: 'application/json', ...init.headers, authorization: `Bearer ${token}` },
        redirect: 'error',
        signal: AbortSignal.timeout(timeoutMs),
      });
      const body = await textOf(response);
      if (!response.ok) throw new ApiError(response.status, problemText(name, response.status, body));
      return { response, body };
    } catch (error) {
      throw this.#explained(error);
    }
  }

  /** Every item of a collection, page by page. */
  async *pages<T>(path: string, query: Query): AsyncGenerator<readonly T[]> {
    for await (const { data } of this.wholePages<T>(path, query)) yield data;
  }

  /** The same, with what each page says of the next one. */
  async *wholePages<T>(path: string, query: Query): AsyncGenerator<Page<T>> {
    let cursor: string | undefined;
    do {
      const page: Page<T> = await this.get(path, { ...query, cursor });
      // No list, and one that leads to itself would be asked for for ever.
      if (page.data === undefined || (page.next ?? undefined) === (cursor ?? '')) throw this.#strange();
      yield page;
      cursor = page.next ?? undefined;
    } while (cursor !== undefined);
  }

  #explained(error: unknown, waitedMs = this.#options.timeoutMs): CliError {
    const { name, url } = this.#options;
    if (error instanceof CliError) return error;
    if (error instanceof SyntaxError) {
      return new CliError('unreachable', `${name} at ${url} does not answer in JSON: is that its address?`);
    }
    if (error instanceof DOMException && error.name === 'TimeoutError') {
      return new CliError('timeout', `${name} at ${url} gave no answer within ${waitedMs} ms`);
    }
    const reason = error instanceof Error && error.cause ? messageOf(error.cause) : messageOf(error);
    return new CliError('unreachable', `${name} at ${url} cannot be reached: ${reason}`, { cause: error });
  }
}

/** What is wrong is not shown: an address with a password in it ends in no log. */
function addressProblem(text: string): string | null {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol))
    return 'its address is no URL of HTTP, like http://127.0.0.1:8080';
  if (url.username !== '' || url.password !== '')
    return 'its address has a user or a password in it: a token goes by TOKEN_SRE or --token';
  return null;
}

/** Of what a header takes; `fetch` would show the token with what is wrong. */
function tokenProblem(token: string): string | null {
  return /^[\x21-\x7e]+$/.test(token)
    ? null
    : 'the bearer token has a blank, a line break or another character that none has';
}

/** No answer, or one that says "later". */
export function isPassing(error: unknown): error is CliError {
  if (error instanceof ApiError) return error.status >= 500 || error.status === 429;
  return error instanceof CliError;
}

/** RFC 9457, or whatever else came. */
function problemText(name: string, status: number, body: string): string {
  if (status === 401) return `${name} does not accept the bearer token (401): set TOKEN_SRE or give --token`;
  const { code, detail, title, errors } = problemOf(body);
  // Who may do it, but not this time, is told why.
  if (status === 403 && code !== 'same_person')
    return `${name} does not allow this with the given bearer token (403)`;
  const fields = (Array.isArray(errors) ? errors : [])
    .filter(isObject)
    .map(({ pointer, detail: wrong }) => `${pointer} ${wrong}`);
  const said = [detail ?? title ?? '', ...fields].join(' ').replaceAll(/\s+/g, ' ').trim();
  return `${name} answers ${status}${said === '' ? '' : `: ${said}`}`;
}

/** None where it is no object of JSON: the status says all there is. */
function problemOf(body: string): ProblemView {
  try {
    const said: unknown = JSON.parse(body);
    return isObject(said) ? said : {};
  } catch {
    return {};
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** @throws Error where it goes on and on */
async function textOf(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > answerBytesMax) throw new Error(`its answer is longer than ${answerBytesMax} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Of RFC 9457, where it was one of ours that answered. */
interface ProblemView {
  readonly code?: unknown;
  readonly detail?: unknown;
  readonly title?: unknown;
  readonly errors?: unknown;
}
