import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import type { Money } from '@slipstream/kernel';
import type { ProviderRules } from '@slipstream/rules';
import type { Outcome } from '@slipstream/slip';
import type { CallbackHeaders, Provider } from '../application/ports.ts';
import { openProviders } from './registry.ts';

// For specs: a real server on a real socket, and what a protocol has to tell so that the contract can be run over it.

/** What a provider says about a slip. `unheard_of`: a status that its protocol does not name. */
export type Saying =
  | 'pending'
  | 'unheard_of'
  /** It has the slip, and tells since when. */
  | { readonly acceptedAt: string }
  | { readonly outcome: Outcome; readonly amount?: Money | 'unreadable' };

/** The fields of an answer, before they become bytes. */
export type AnswerBody = Readonly<Record<string, unknown>>;

/** How one protocol says things on the wire: all that the contract suite needs to know of it. */
export interface ProtocolUnderTest {
  /** Its name in the registry. */
  readonly protocol: string;
  /** Secrets as its rules want them. */
  readonly secrets: ProviderRules['secrets'];
  /** A whole HTTP answer to a dispatch call. */
  reply(slipId: string, saying: Saying): string;
  /** A whole HTTP answer to an inquiry. */
  inquiryReply(slipId: string, saying: Saying | 'not_found'): string;
  /** Null for a protocol that cannot cancel. */
  readonly cancellation: {
    /** A whole HTTP answer: what is not known is never executed; about which slip it says so. */
    confirmation(slipId: string): string;
    /** A whole HTTP answer that tells of the slip instead. */
    reply(slipId: string, saying: Saying): string;
  } | null;
  /** Its answers as fields, so that what stands in them can be spoilt. */
  readonly json: {
    body(slipId: string, saying: Saying): AnswerBody;
    /** The fields of its word, and of the slip that it speaks of. */
    readonly word: string;
    readonly slip: string;
    /** False: a reply that names no slip is about the one of its call. */
    readonly mustName: boolean;
    /** The fields of an amount; undefined: it is left out. */
    amount(amount: unknown, currency: unknown): AnswerBody;
    /** Amounts in forms that only this protocol could have. */
    readonly oddAmounts: readonly AnswerBody[];
  };
  /** A whole HTTP answer in which the deciding word comes twice, and says two things. */
  twoWords(slipId: string): string;
  /** Null for a protocol without statements. */
  readonly statement: {
    /** The body of a statement: a line for each. */
    body(lines: readonly { readonly slipId: string; readonly saying: Saying }[]): string;
    /** The same, of lines with these fields. */
    bodyOf(lines: readonly AnswerBody[]): string;
    /** Lines from which nothing can be learnt about a slip. */
    readonly unreadable: readonly string[];
    /** Bodies that are no statement as a whole. */
    readonly notOne: readonly string[];
  } | null;
  /** Null for a protocol without callbacks. */
  readonly callbacks: {
    /** A secret that is another provider's. */
    readonly otherSecret: string;
    /** A callback as the provider would send it, signed with this secret. */
    signed(id: string, slipId: string, saying: Saying, secret: string): SignedCallback;
    /** The body of a callback that says so. */
    bodyOf(answer: AnswerBody): string;
    /** A well-signed callback with this body. */
    signedBody(id: string, body: string, secret: string): SignedCallback;
    /** Bodies from which nothing can be learnt about the slip, or two things. */
    unreadable(slipId: string): readonly string[];
  } | null;
}

export interface SignedCallback {
  readonly body: Buffer;
  readonly headers: CallbackHeaders;
}

/** Long enough for a busy machine: only what has to run out is made shorter. */
export const patientMs = 20_000;

export function rulesOf(
  { protocol, secrets }: Pick<ProtocolUnderTest, 'protocol' | 'secrets'>,
  more: Partial<ProviderRules> = {},
): ProviderRules {
  return {
    id: 'acme',
    protocol,
    baseUrl: 'http://127.0.0.1:1',
    secrets,
    connectTimeoutMs: patientMs,
    answerTimeoutMs: patientMs,
    acceptanceDelayMaxMs: 1_000,
    concurrencyMax: 2,
    circuitOpenMs: 1_000,
    throttledMeansNotTaken: false,
    idempotentByReference: false,
    cancelByReference: false,
    visibilityDelayMs: 0,
    pollLadderMs: [],
    recheckLadderMs: [],
    failuresFinal: true,
    statement: null,
    probe: null,
    ...more,
  };
}

/** A server that answers every request with these bytes, or does as it likes with the socket. */
export class Wire {
  readonly requests: string[] = [];
  readonly server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #providers: Provider[] = [];

  private constructor(answer: (socket: Socket) => void, tls: TlsOptions | null) {
    const serve = (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => {});
      socket.on('data', (bytes) => {
        this.requests.push(bytes.toString());
        answer(socket);
      });
    };
    this.server = tls === null ? createServer(serve) : createTlsServer(tls, serve);
  }

  /** @param tls the server's key and certificate; null: it speaks no TLS */
  static async listen(answer: (socket: Socket) => void, tls: TlsOptions | null = null): Promise<Wire> {
    const wire = new Wire(answer, tls);
    await new Promise<void>((resolve) => wire.server.listen(0, '127.0.0.1', resolve));
    return wire;
  }

  get port(): number {
    return (this.server.address() as { port: number }).port;
  }

  /** A provider of this protocol at this server. */
  provider(
    under: Pick<ProtocolUnderTest, 'protocol' | 'secrets'>,
    more: Partial<ProviderRules> = {},
    monotonicMs?: () => number,
  ): Provider {
    const rules = rulesOf(under, { baseUrl: `http://127.0.0.1:${this.port}/api`, ...more });
    const provider = openProviders([rules], monotonicMs === undefined ? {} : { monotonicMs }).get('acme')!;
    this.#providers.push(provider);
    return provider;
  }

  /** Nobody listens at this address any more. */
  async stopListening(): Promise<void> {
    await new Promise((resolve) => this.server.close(resolve));
  }

  async close(): Promise<void> {
    for (const provider of this.#providers) await provider.close();
    for (const socket of this.#sockets) socket.destroy();
    if (this.server.listening) await this.stopListening();
  }
}

/** For 127.0.0.1, valid until 2126 and signed by itself: nobody vouches for it. */
export const selfSigned: TlsOptions = {
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgEv08g2vCYuBLr0YO
NUuZzBNge5m6iDfuHzJ0UKibxSqhRANCAASILNG3iEQe6AtUR+PTGEdk4DBDXp+b
Ycn/v1b/uQqwzSMFYglQfVmGWBVa45cxXKtU73jYQqxefsdxl5BzgsZR
-----END PRIVATE KEY-----`,
  cert: `-----BEGIN CERTIFICATE-----
MIIBkTCCATagAwIBAgIUUn9cJKwHS/0Cu7xBS2h9TIx55oswCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJMTI3LjAuMC4xMCAXDTI2MTEyNjE5MjE1N1oYDzIxMjYxMTAy
MTkyMTU3WjAUMRIwEAYDVQQDDAkxMjcuMC4wLjEwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAASILNG3iEQe6AtUR+PTGEdk4DBDXp+bYcn/v1b/uQqwzSMFYglQfVmG
WBVa45cxXKtU73jYQqxefsdxl5BzgsZRo2QwYjAdBgNVHQ4EFgQUFbt3GLUP/ESt
WdJj4izgopIgezgwHwYDVR0jBBgwFoAUFbt3GLUP/EStWdJj4izgopIgezgwDwYD
VR0TAQH/BAUwAwEB/zAPBgNVHREECDAGhwR/AAABMAoGCCqGSM49BAMCA0kAMEYC
IQDD6uy9306fgx9irA0Ki3P+6Tu4KAGglCyf8z2FOMxpwwIhAPuaiOkDVV2vI2tP
GFW6s7uoOzA8UO3d1D5UH5wc1dBU
-----END CERTIFICATE-----`,
};

/** The bytes of an HTTP answer with a JSON body, unless the headers say otherwise. */
export function http(status: number, body: unknown, headers: Record<string, string> = {}): string {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const all = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text), ...headers };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} X\r\n${lines.join('')}\r\n${text}`;
}

export const says = (bytes: string) => (socket: Socket) => void socket.write(bytes);

export function flood(socket: Socket, length: number): void {
  socket.write(`HTTP/1.1 200 X\r\ncontent-length: ${length}\r\n\r\n`);
  const chunk = Buffer.alloc(32_768, 'x');
  const more = () => {
    while (!socket.destroyed && socket.write(chunk));
  };
  socket.on('drain', more);
  more();
}

/** A byte now and then: each of them within any limit, the whole never. */
export function drip(socket: Socket, text: string): void {
  let at = 0;
  const timer = setInterval(() => {
    if (socket.destroyed || at >= text.length) clearInterval(timer);
    else socket.write(text[at++]!);
  }, 20);
}
