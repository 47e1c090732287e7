import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { NotFoundException } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { keyLengthMax, SlipstreamError } from '@slipstream/kernel';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { CursorSeal } from './cursor-seal.ts';
import { type Problem, problemMediaType, problemOf, renderProblem, toProblem } from './problem.ts';
import { sendProblem } from './problem-filter.ts';
import { addRepresentations } from './representation.ts';
import type { RouteTable } from './route-table.ts';
import { parseStrictJson } from './strict-json.ts';

declare module 'fastify' {
  interface FastifyInstance {
    /** Of the cursors of this service's lists. */
    readonly cursorSeal: CursorSeal;
    /** Aborted when the service begins to stop: answers without an end must end then. */
    readonly draining: AbortSignal;
  }
  interface FastifyRequest {
    /** The body as it came, byte for byte; undefined without a body. */
    rawBody?: Buffer;
  }
}

/** A request as a controller gets it by `@Req()`, for routes that are called so often that pipes and decorators count. */
export type ServiceRequest = Pick<FastifyRequest, 'id' | 'headers' | 'body' | 'raw' | 'caller'> & {
  readonly query: Readonly<Record<string, unknown>>;
};

/** What one server grants its clients before it cuts them off. */
export interface HttpLimits {
  readonly bodyBytesMax: number;
  /** Routes, in the router's syntax, that take other bodies. */
  readonly bodyBytesMaxOf: Readonly<Record<string, number>>;
  /** Routes that take a body as it is, by its media types: its bytes are `rawBody`, and nobody reads them before. */
  readonly fileTypesOf: Readonly<Record<string, readonly string[]>>;
  /** For the request line and all headers. */
  readonly headersTimeoutMs: number;
  /** For the whole request with its body. */
  readonly requestTimeoutMs: number;
  /** Idle connections are kept this long: longer than a load balancer's own 60 s, so that it closes first. */
  readonly keepAliveTimeoutMs: number;
  /** A connection on which nothing moves for so long is cut, also in the middle of an answer. */
  readonly connectionTimeoutMs: number;
  /** Of one segment of a path, decoded, in UTF-16 units: any name fits. */
  readonly paramLengthMax: number;
  readonly connectionsMax: number;
  /** How often the two request timeouts are looked at. */
  readonly timeoutCheckIntervalMs: number;
}

export const httpLimits: HttpLimits = {
  bodyBytesMax: 65_536,
  bodyBytesMaxOf: {},
  fileTypesOf: {},
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 15_000,
  keepAliveTimeoutMs: 65_000,
  connectionTimeoutMs: 70_000,
  paramLengthMax: keyLengthMax,
  connectionsMax: 4096,
  timeoutCheckIntervalMs: 1000,
};

/**
 * Asked about each request before anything of it is read but its head: seconds after which it may be sent again, for one that
 * would wait longer than it may; null: it is let in.
 */
export type Shed = (request: { readonly method: string; readonly url: string }) => number | null;

const jsonType = 'application/json';

/** Makes the Fastify server with our limits, our body parser, and problem details for what fails before Nest. */
export function createAdapter(
  limits: HttpLimits,
  routes: RouteTable,
  draining: AbortSignal,
  cursorSeal: CursorSeal,
  shed?: Shed,
): FastifyAdapter {
  const adapter = new FastifyAdapter({
    bodyLimit: limits.bodyBytesMax,
    requestTimeout: limits.requestTimeoutMs,
    connectionTimeout: limits.connectionTimeoutMs,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    routerOptions: { maxParamLength: limits.paramLengthMax },
    http: {
      headersTimeout: limits.headersTimeoutMs,
      connectionsCheckingInterval: limits.timeoutCheckIntervalMs,
      // Node would answer a bare 400: requireHost answers a problem.
      requireHostHeader: false,
    },
    rewriteUrl: ({ url = '/' }) => withPlainPath(originForm(url)),
    genReqId: () => randomUUID(),
    return503OnClosing: false,
    frameworkErrors: (error: Error, request: FastifyRequest, reply: FastifyReply) =>
      sendProblem(reply, toProblem(error), request.id),
    clientErrorHandler: (error, socket) => answerBrokenRequest(error as NodeJS.ErrnoException, socket),
  });
  const fastify = adapter.getInstance() as unknown as FastifyInstance;
  // A proxy's method: Node closes its connection without a word where nobody listens.
  fastify.server.on('connect', (_, socket) => answerAndClose(socket, noProxy));
  fastify.decorate('cursorSeal', cursorSeal);
  fastify.decorate('draining', draining);
  fastify.removeAllContentTypeParsers();
  const takes = ({ routeOptions }: FastifyRequest, type: string) =>
    limits.fileTypesOf[routeOptions.url ?? '']?.includes(type) ?? false;
  fastify.addContentTypeParser(
    jsonType,
    { parseAs: 'buffer' },
    async (request: FastifyRequest, body: Buffer) =>
      takes(request, jsonType) ? takeFile(request, body) : parseBody(request, body),
  );
  for (const type of new Set(Object.values(limits.fileTypesOf).flat())) {
    if (type === jsonType) continue;
    fastify.addContentTypeParser(
      type,
      { parseAs: 'buffer' },
      async (request: FastifyRequest, body: Buffer) =>
        takes(request, type) ? takeFile(request, body) : refuseType(),
    );
  }
  fastify.addHook('onRoute', (route) => {
    routes.add(route.method, route.url);
    const bodyBytesMax = limits.bodyBytesMaxOf[route.url];
    if (bodyBytesMax !== undefined) route.bodyLimit = bodyBytesMax;
  });
  fastify.addHook('onRequest', (request, _, done) =>
    done(
      requireOneOf(request) ??
        requireHost(request) ??
        requireRoute(request) ??
        requireReadableQuery(request) ??
        shedding(request, shed),
    ),
  );
  fastify.addHook('onSend', (request, reply, payload, done) => {
    addCommonHeaders(request, reply, draining);
    done(null, payload);
  });
  addRepresentations(fastify);
  return adapter;
}

/** A client that takes us for its proxy sends the whole address (RFC 9112 section 3.2.2): what counts is its path. */
function originForm(url: string): string {
  if (url.startsWith('/')) return url;
  const rest = url.replace(/^https?:\/\/[^/?#]*/i, '');
  return rest === url || rest.startsWith('/') ? rest : `/${rest}`;
}

/**
 * In a path a character that needs no percent-encoding is the same with it (RFC 3986 section 6.2.2.2), and a colon needs none either (section 3.3).
 * The router sees that of letters alone, and whoever else looks at an address not at all: from here on it is written one way.
 */
function withPlainPath(url: string): string {
  if (!url.includes('%')) return url;
  const query = url.indexOf('?');
  const path = query < 0 ? url : url.slice(0, query);
  const plain = path.replace(/%([\da-f]{2})/gi, (encoded, hex: string) => {
    const character = String.fromCharCode(Number.parseInt(hex, 16));
    return /[\w~:-]/.test(character) ? character : encoded;
  });
  return query < 0 ? plain : plain + url.slice(query);
}

/** Where nothing answers, a body is not read: what is wrong with it says nothing about the address. */
function requireRoute(request: FastifyRequest): NotFoundException | undefined {
  return request.is404 ? new NotFoundException() : undefined;
}

/** Of two of them Node hands on the first: whoever stands before us may have gone by the other. */
const onceOnly = ['host', 'authorization', 'content-type'] as const;

function requireOneOf({ raw: { rawHeaders } }: FastifyRequest): SlipstreamError | undefined {
  const twice = onceOnly.find((name) => timesGiven(rawHeaders, name) > 1);
  if (twice === undefined) return undefined;
  return new SlipstreamError('malformed_request', `The header ${twice} is given more than once.`);
}

/** @param rawHeaders names and values by turns */
function timesGiven(rawHeaders: readonly string[], name: string): number {
  let times = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const given = rawHeaders[at]!;
    if (given.length === name.length && given.toLowerCase() === name) times += 1;
  }
  return times;
}

/** uri-host [ ":" port ] (RFC 9110 section 7.2), of which nothing but the form matters here. */
const hostForm = /^(\[[\da-f:.]+\]|[\w.~!$&'()*+,;=%-]*)(:\d*)?$/i;

/** RFC 9112 section 3.2. */
function requireHost({ raw }: FastifyRequest): SlipstreamError | undefined {
  const { host } = raw.headers;
  if (host === undefined) {
    if (raw.httpVersion === '1.0') return undefined;
    return new SlipstreamError('malformed_request', 'The Host header is missing.');
  }
  if (hostForm.test(host)) return undefined;
  return new SlipstreamError('malformed_request', 'The Host header names no host.');
}

/** The parser takes what is encoded wrongly as it is written: then `100%` and `%F0` would be looked for, and nothing be found. */
function requireReadableQuery({ raw: { url = '' } }: FastifyRequest): SlipstreamError | undefined {
  const query = url.indexOf('?');
  if (query < 0 || !url.includes('%', query)) return undefined;
  try {
    decodeURIComponent(url.slice(query));
    return undefined;
  } catch {
    return new SlipstreamError('malformed_request', 'The query is not percent-encoded UTF-8.');
  }
}

function shedding(request: FastifyRequest, shed: Shed | undefined): SlipstreamError | undefined {
  const retryAfterS = shed?.(request) ?? null;
  if (retryAfterS === null) return undefined;
  return new SlipstreamError('overloaded', 'More requests are waiting than can be answered soon.', {
    retryAfterS,
  });
}

function parseBody(request: FastifyRequest, body: Buffer): unknown {
  refuseEncoding(request);
  const charset = /;\s*charset\s*=\s*"?([^\s";]+)/i.exec(request.headers['content-type'] ?? '')?.[1];
  if (charset !== undefined && charset.toLowerCase() !== 'utf-8') {
    throw new SlipstreamError('unsupported_media_type', 'Send the body in UTF-8.');
  }
  request.rawBody = body;
  return parseStrictJson(body);
}

function refuseEncoding(request: FastifyRequest): void {
  const encoding = request.headers['content-encoding'];
  if (encoding === undefined || encoding.toLowerCase() === 'identity') return;
  throw new SlipstreamError('unsupported_media_type', 'Send the body without a content encoding.');
}

function refuseType(): never {
  throw new SlipstreamError('unsupported_media_type', 'Send the body as application/json.');
}

function takeFile(request: FastifyRequest, body: Buffer): null {
  refuseEncoding(request);
  request.rawBody = body;
  return null;
}

function addCommonHeaders(request: FastifyRequest, reply: FastifyReply, draining: AbortSignal): void {
  reply.header('x-request-id', request.id);
  reply.header('x-content-type-options', 'nosniff');
  if (!reply.hasHeader('cache-control')) reply.header('cache-control', 'no-store');
  // The server closes once every connection has ended: don't let clients keep theirs.
  if (draining.aborted) reply.header('connection', 'close');
}

const clientErrors: Readonly<Record<string, Problem>> = {
  ERR_HTTP_REQUEST_TIMEOUT: problemOf('malformed_request', 'The request took too long to arrive.', 408),
  HPE_HEADER_OVERFLOW: problemOf('malformed_request', 'The headers or the address are too long.', 431),
};

const noProxy = problemOf('method_not_allowed', 'This is no proxy.');

/** Answers bytes that are no HTTP request: they never reach Fastify. */
function answerBrokenRequest(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  answerAndClose(
    socket,
    clientErrors[error.code ?? ''] ?? problemOf('malformed_request', 'This is not valid HTTP.'),
  );
}

/** Without a server behind them. */
function answerAndClose(socket: Duplex & { destroySoon?(): void }, problem: Problem): void {
  if (socket.writable) {
    const body = renderProblem(problem, randomUUID());
    const title = JSON.parse(body).title as string;
    socket.write(
      `HTTP/1.1 ${problem.status} ${title}\r\ncontent-type: ${problemMediaType}\r\n` +
        `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
    );
  }
  if (socket.destroySoon) socket.destroySoon();
  else socket.end();
}
