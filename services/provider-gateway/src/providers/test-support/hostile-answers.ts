import type { Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import type { UnansweredReason } from '../../domain/provider/answer.ts';
import { drip, flood, http, says } from '../spec-support.ts';

// What becomes of an answer on its way, whatever it says and whatever protocol says it: one table, run over all of them.

/** Where an answer is waited for. `denial`: NOT_FOUND to a question, on which refunds rest. */
export type Place = 'call' | 'inquiry' | 'denial' | 'cancellation' | 'statement';

/** `taken`: it counts as if nothing had been done to it. Else nothing is learnt, and a call is unanswered for this reason. */
export type Ending = 'taken' | UnansweredReason;

export interface HostileAnswer {
  readonly behaviour: string;
  /** What the other side writes where it should have written this answer. */
  readonly write: (whole: string) => (socket: Socket) => void;
  readonly ends: Ending;
  /** Where it ends otherwise. */
  readonly but?: Partial<Record<Place, Ending>>;
}

const head = (whole: string) => whole.slice(0, whole.indexOf('\r\n\r\n') + 4);
const body = (whole: string) => whole.slice(head(whole).length);
const withHeader = (whole: string, header: string) => whole.replace('\r\n', `\r\n${header}\r\n`);
const withStatus = (whole: string, status: number) => whole.replace(/^HTTP\/1.1 \d+/, `HTTP/1.1 ${status}`);
/** The head as it is, and other bytes behind it. */
const withBody = (whole: string, bytes: Buffer) =>
  Buffer.concat([Buffer.from(head(whole).replace(/length: \d+/, `length: ${bytes.length}`)), bytes]);
const chunk = (text: string) => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
const chunked = (whole: string) => head(whole).replace(/content-length: \d+/, 'transfer-encoding: chunked');

const instead =
  (bytes: string): HostileAnswer['write'] =>
  () =>
    says(bytes);
const spoilt =
  (spoil: (whole: string) => string): HostileAnswer['write'] =>
  (whole) =>
    says(spoil(whole));
const written =
  (bytes: (whole: string) => Buffer): HostileAnswer['write'] =>
  (whole) =>
  (socket) =>
    void socket.write(bytes(whole));
const ended =
  (bytes: (whole: string) => string): HostileAnswer['write'] =>
  (whole) =>
  (socket) =>
    void socket.end(bytes(whole));

const row = (
  behaviour: string,
  ends: Ending,
  write: HostileAnswer['write'],
  but: HostileAnswer['but'] = {},
): HostileAnswer => ({ behaviour, write, ends, but });

/** A status that says something by itself, with or without the answer behind it. */
const statuses: readonly HostileAnswer[] = [
  row('204', 'garbage', instead('HTTP/1.1 204 X\r\n\r\n')),
  row('an error in a 200', 'garbage', instead(http(200, { error: { code: 'internal' } }))),
  row('an empty 200', 'garbage', instead(http(200, ''))),
  row('HTML in a 200', 'garbage', instead(http(200, '<html>', { 'content-type': 'text/html' }))),
  row('a JSON list in a 200', 'garbage', instead(http(200, '[]'))),
  row('JSON null in a 200', 'garbage', instead(http(200, 'null'))),
  row('401 of an old key', 'garbage', instead(http(401, {}))),
  row('403 of a proxy', 'garbage', instead(http(403, '<html>'))),
  row('404 of a proxy', 'garbage', instead(http(404, '<html>', { 'content-type': 'text/html' }))),
  row('404 of a moved path', 'garbage', instead(http(404, { error: 'not found' }))),
  row('408', 'garbage', instead(http(408, {}))),
  row('409 that says nothing', 'garbage', instead(http(409, {}))),
  row('410', 'garbage', instead(http(410, {}))),
  row('425', 'garbage', instead(http(425, {}))),
  row('429', 'throttled', instead(http(429, {}))),
  row('429 with Retry-After', 'throttled', instead(http(429, {}, { 'retry-after': '1' }))),
  // Who speaks of the slip has it: that is not "nothing was taken", whatever its rules declare.
  row(
    '429 with the answer',
    'garbage',
    spoilt((whole) => withStatus(whole, 429)),
  ),
  row(
    '500 with the answer',
    'server_error',
    spoilt((whole) => withStatus(whole, 500)),
  ),
  row('502 of a proxy', 'server_error', instead(http(502, '<html>', { 'content-type': 'text/html' }))),
  row('503 with Retry-After', 'server_error', instead(http(503, '', { 'retry-after': '1' }))),
  row(
    'a redirect into the cloud',
    'redirect',
    instead(http(302, '', { location: 'http://169.254.169.254/' })),
  ),
  row('a redirect to itself', 'redirect', instead(http(307, '', { location: '/' }))),
  row(
    'a redirect with the answer',
    'redirect',
    spoilt((whole) => withStatus(whole, 308)),
  ),
  row('304', 'redirect', instead('HTTP/1.1 304 X\r\n\r\n')),
];

/** Bytes that are not the ones that were meant. */
const bodies: readonly HostileAnswer[] = [
  row(
    'a body that says it is compressed, and is not',
    'garbage',
    spoilt((whole) => withHeader(whole, 'content-encoding: gzip')),
  ),
  row(
    'a compressed body',
    'garbage',
    written((whole) => withBody(withHeader(whole, 'content-encoding: gzip'), gzipSync(body(whole)))),
  ),
  row(
    'a body encoded as itself',
    'taken',
    spoilt((whole) => withHeader(whole, 'content-encoding: Identity')),
  ),
  row(
    'a byte order mark before the body',
    'garbage',
    written((whole) => withBody(whole, Buffer.from(`\ufeff${body(whole)}`))),
    // Programs that write tables put it there.
    { statement: 'taken' },
  ),
  row(
    'UTF-16',
    'garbage',
    written((whole) => withBody(whole, Buffer.from(body(whole), 'utf16le'))),
  ),
  row(
    'UTF-16 with its mark',
    'garbage',
    written((whole) => withBody(whole, Buffer.from(`\ufeff${body(whole)}`, 'utf16le'))),
  ),
  row(
    'bytes that are no UTF-8',
    'garbage',
    written((whole) => withBody(whole, Buffer.concat([Buffer.from(body(whole)), Buffer.of(0xc3, 0x28)]))),
  ),
  row(
    'an answer behind the answer, in one body',
    'garbage',
    written((whole) => withBody(whole, Buffer.from(`${body(whole)}${body(whole)}`))),
    // A table that says a thing twice: each line is judged alone.
    { statement: 'taken' },
  ),
  row('a body of 100,000 levels', 'garbage', instead(http(200, '['.repeat(60_000)))),
  row(
    'another media type',
    'taken',
    spoilt((whole) => whole.replace(/content-type: .*\r\n/, 'content-type: text/plain\r\n')),
  ),
];

/** HTTP that is none, or ends before its time. */
const transports: readonly HostileAnswer[] = [
  row(
    'early hints without number before the answer',
    'taken',
    spoilt((whole) => 'HTTP/1.1 103 X\r\nlink: </x>\r\n\r\n'.repeat(50) + whole),
  ),
  row(
    'an answer in chunks',
    'taken',
    spoilt(
      (whole) => `${chunked(whole)}${chunk(body(whole).slice(0, 9))}${chunk(body(whole).slice(9))}0\r\n\r\n`,
    ),
  ),
  row(
    'a second answer that nobody asked for',
    'taken',
    spoilt((whole) => whole + http(422, { status: 'rejected' })),
  ),
  // It was not asked for, and the HTTP client takes it for the end: nothing is lost but time.
  row(
    '100 Continue that nobody asked for',
    'connection_lost',
    spoilt((whole) => `HTTP/1.1 100 X\r\n\r\n${whole}`),
  ),
  row(
    '101, to speak something else',
    'connection_lost',
    spoilt((whole) => `HTTP/1.1 101 X\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n${whole}`),
  ),
  row(
    'an answer without a length, that ends with its connection',
    'taken',
    ended((whole) => whole.replace(/content-length: \d+\r\n/, '')),
    // Nobody can tell whether lines are missing.
    { statement: 'garbage' },
  ),
  row(
    'an answer without a length, cut off',
    'garbage',
    ended((whole) => whole.replace(/content-length: \d+\r\n/, '').slice(0, -5)),
  ),
  row(
    'half an answer, and silence',
    'timeout',
    spoilt((whole) => whole.slice(0, -5)),
  ),
  row('a head alone, and silence', 'timeout', spoilt(head)),
  row('silence', 'timeout', () => () => {}),
  row('an answer byte by byte', 'timeout', (whole) => (socket) => drip(socket, whole)),
  row(
    'less than it announces',
    'connection_lost',
    ended((whole) => whole.replace(/length: /, 'length: 9')),
  ),
  row(
    'more than it announces',
    'garbage',
    spoilt((whole) => whole.replace(/length: (\d+)/, (_, n) => `length: ${Number(n) - 3}`)),
  ),
  row(
    'two lengths',
    'connection_lost',
    spoilt((whole) => withHeader(whole, 'content-length: 3')),
  ),
  row(
    'chunks and a length',
    'connection_lost',
    spoilt((whole) => withHeader(whole, 'transfer-encoding: chunked')),
  ),
  row(
    'chunks that end in the middle',
    'connection_lost',
    ended((whole) => `${chunked(whole)}${chunk(body(whole))}`),
  ),
  row(
    'chunks whose size is none',
    'connection_lost',
    spoilt((whole) => `${chunked(whole)}zz\r\n${body(whole)}\r\n0\r\n\r\n`),
  ),
  row(
    'an answer cut off',
    'connection_lost',
    ended((whole) => whole.slice(0, -5)),
  ),
  row(
    'the end of the connection',
    'connection_lost',
    ended(() => ''),
  ),
  row('a reset', 'connection_lost', () => (socket) => void socket.resetAndDestroy()),
  row('a reset in the middle', 'connection_lost', (whole) => (socket) => {
    socket.write(whole.slice(0, -5), () => socket.resetAndDestroy());
  }),
  row('something that is not HTTP', 'connection_lost', instead('220 smtp ready\r\n\r\n')),
  row(
    'an answer of HTTP/2',
    'connection_lost',
    written(() => Buffer.from('000000040000000000', 'hex')),
  ),
  row(
    'headers without end',
    'connection_lost',
    instead(`HTTP/1.1 200 X\r\nx: ${'x'.repeat(40_000)}\r\n\r\n`),
  ),
  row(
    'a NUL in a header',
    'connection_lost',
    spoilt((whole) => withHeader(whole, 'x: a\u0000b')),
  ),
  row('2 GB', 'too_large', () => (socket) => flood(socket, 2_000_000_000)),
];

export const hostileAnswers: readonly HostileAnswer[] = [...statuses, ...bodies, ...transports];
