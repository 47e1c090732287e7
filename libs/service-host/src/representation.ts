import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { constants, createGzip, gzip } from 'node:zlib';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { preferred } from './accept.ts';

const compress = promisify(gzip);
/** Less fits into a packet as it is. */
const gzipBytesMin = 1_400;
/** Answers go to callers that are near: speed goes before size. */
const level = 1;

/**
 * What holds for every answer to a GET: an ETag, 304 when the caller has it already (RFC 9110 section 13.1.2), and gzip for
 * callers that take it.
 */
export function addRepresentations(fastify: FastifyInstance): void {
  fastify.addHook('onSend', async (request, reply, payload) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') return payload;
    if (reply.statusCode !== 200) return payload;
    if (hasETag(request, payload)) {
      tag(reply, payload);
      if (isKnown(request, reply)) return notModified(request, reply);
    }
    return request.method === 'GET' ? compressed(request, reply, payload) : payload;
  });
}

function hasETag({ url }: FastifyRequest, payload: unknown): payload is string {
  return typeof payload === 'string' && (url.startsWith('/v1/') || url.startsWith('/openapi.json'));
}

/** A route may have given a tag of its own: the version of what it shows. */
function tag(reply: FastifyReply, payload: string): void {
  if (!reply.hasHeader('etag')) {
    reply.header('etag', `W/"${createHash('sha256').update(payload).digest('base64url').slice(0, 22)}"`);
  }
  // Kept by the caller's own cache, and asked about each time.
  reply.header('cache-control', 'private, no-cache');
  reply.header('vary', 'accept, accept-encoding, accept-language, authorization');
}

/** Compared weakly. */
function isKnown({ headers }: FastifyRequest, reply: FastifyReply): boolean {
  const known = headers['if-none-match'];
  if (known === undefined) return false;
  if (known.trim() === '*') return true;
  const bare = (etag: string) => etag.trim().replace(/^W\//, '');
  return (known.match(/(?:W\/)?"[^"]*"/g) ?? []).map(bare).includes(bare(String(reply.getHeader('etag'))));
}

/** What answers HEAD takes a text, be it empty. */
function notModified({ method }: FastifyRequest, reply: FastifyReply): string | null {
  reply.code(304).removeHeader('content-type').removeHeader('content-length');
  return method === 'HEAD' ? '' : null;
}

async function compressed(request: FastifyRequest, reply: FastifyReply, payload: unknown): Promise<unknown> {
  const accepted = request.headers['accept-encoding'];
  if (typeof accepted !== 'string' || preferred(accepted, ['gzip'], '*') === null) return payload;
  if (reply.hasHeader('content-encoding') || isLive(reply)) return payload;
  if (payload instanceof Readable) {
    encode(reply);
    const packed = createGzip({ level, flush: constants.Z_SYNC_FLUSH });
    // A failure reaches whoever sends `packed`, which it destroys.
    pipeline(payload, packed).catch(() => {});
    return packed;
  }
  if (typeof payload !== 'string' || payload.length < gzipBytesMin) return payload;
  encode(reply);
  return compress(payload, { level });
}

/** Each event is to be read at once. */
function isLive(reply: FastifyReply): boolean {
  return String(reply.getHeader('content-type')).startsWith('text/event-stream');
}

function encode(reply: FastifyReply): void {
  reply.header('content-encoding', 'gzip').removeHeader('content-length');
}
