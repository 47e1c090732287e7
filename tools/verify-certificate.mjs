#!/usr/bin/env node
// Checks a certificate of non-execution offline. One file, Node.js alone, and no line of the services: what they may have
// got wrong is not got wrong here, too. What a certificate says is in docs/reference/certificates.md.
import { createHash, createPublicKey, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';

const usage = `usage: node verify-certificate.mjs CERTIFICATE.json --key PUBLIC_KEY

Checks that the certificate (GET /v1/slips/{id}/certificate of the provider gateway) was signed by this key, and that
what it tells proves that the slip was not executed. PUBLIC_KEY is a PEM file, a JSON Web Key or a set of them
(GET /v1/certificates/keys, from a source that you trust). Exits 0 when it is valid, 1 when it is not or cannot be read.
Of a report of slipctl provider certify it checks the signature, and shows what was seen.`;

const payloadType = 'application/vnd.slipstream.non-execution.v1+json';
/** Where an attempt was cancelled. */
const payloadTypeWithCancellation = 'application/vnd.slipstream.non-execution.v2+json';
const reportType = 'application/vnd.slipstream.provider-report.v1+json';

class Invalid extends Error {}

function check(condition, problem) {
  if (!condition) throw new Invalid(problem);
}

/** Exactly these members, so that nothing stands in it that nobody looked at. */
function members(value, names, where) {
  check(typeof value === 'object' && value !== null && !Array.isArray(value), `${where} is not an object`);
  const found = Object.keys(value);
  for (const name of names) check(found.includes(name), `${where} has no ${name}`);
  for (const name of found) check(names.includes(name), `${where} has a member ${name} that nobody knows`);
  return value;
}

function text(value, where) {
  check(typeof value === 'string' && value !== '', `${where} is no text`);
  return value;
}

function count(value, where) {
  check(Number.isSafeInteger(value) && value >= 0, `${where} is no whole number`);
  return value;
}

/** Base64 in its one form: another spelling of the same bytes is refused. */
function bytes(value, where) {
  check(typeof value === 'string', `${where} is no base64`);
  const read = Buffer.from(value, 'base64');
  check(read.toString('base64') === value, `${where} is no base64 in its one form`);
  return read;
}

/** Microseconds since 1970. */
function instant(value, where) {
  const parts = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.(\d{6})Z$/.exec(value);
  const seconds = parts === null ? Number.NaN : Date.parse(`${parts[1]}Z`);
  check(Number.isFinite(seconds), `${where} is no time`);
  return BigInt(seconds) * 1000n + BigInt(parts[2]);
}

function micros(ms) {
  return BigInt(ms) * 1000n;
}

function keysOf(file) {
  const content = readFileSync(file, 'utf8');
  if (content.includes('-----BEGIN')) return [createPublicKey(content)];
  const json = JSON.parse(content);
  return (json.keys ?? [json]).map((key) => createPublicKey({ key, format: 'jwk' }));
}

/** RFC 7638. */
function thumbprint(key) {
  const { kty, crv, x } = key.export({ format: 'jwk' });
  check(kty === 'OKP' && crv === 'Ed25519', 'the key is no Ed25519 key');
  return createHash('sha256').update(JSON.stringify({ crv, kty, x })).digest('base64url');
}

/** Checks the signature over the exact bytes of the payload (DSSE 1.0), and gives what they say. */
function open(envelope, keys) {
  members(envelope, ['payloadType', 'payload', 'signatures'], 'the envelope');
  const type = envelope.payloadType;
  check(
    [payloadType, payloadTypeWithCancellation, reportType].includes(type),
    'it is no certificate of non-execution, nor a report about a provider, of a form known here',
  );
  check(Array.isArray(envelope.signatures) && envelope.signatures.length === 1, 'it has not one signature');
  const { keyid, sig } = members(envelope.signatures[0], ['keyid', 'sig'], 'the signature');
  const key = keys.find((one) => thumbprint(one) === keyid);
  check(key !== undefined, `it names the key ${keyid}, which is not the one given`);
  const payload = bytes(envelope.payload, 'the payload');
  const head = `DSSEv1 ${Buffer.byteLength(type)} ${type} ${payload.length} `;
  const signed = Buffer.concat([Buffer.from(head), payload]);
  check(
    verify(null, signed, key, bytes(sig, 'the signature')),
    'the signature does not fit: something was changed',
  );
  return { keyid, type, statement: JSON.parse(payload.toString('utf8')) };
}

/** What was seen of a provider's sandbox. That it was so, nobody but who signs can say: there is nothing to judge. */
function reportLines(report, keyid) {
  check(report.key_id === keyid, 'it was written under another key');
  check(Array.isArray(report.checks), 'the report has no checks');
  return [
    `VALID: signed as it stands; what was seen of ${text(report.url, 'url')} until ${text(report.ended_at, 'ended_at')}`,
    ...report.checks.map((one) => `${one.verdict}: ${one.check} (${one.detail})`),
  ];
}

function checkAnswer(answer, where) {
  const names = ['asked_at', 'received_at', 'http_status', 'body_bytes', 'body'];
  const { asked_at, received_at, http_status, body_bytes, body } = members(answer, names, where);
  const askedAt = instant(asked_at, `${where}.asked_at`);
  const receivedAt = instant(received_at, `${where}.received_at`);
  check(receivedAt >= askedAt, `${where} came before it was asked for`);
  count(http_status, `${where}.http_status`);
  const content = bytes(body, `${where}.body`);
  check(content.length === body_bytes, `${where} has another length than it says`);
  return { askedAt, receivedAt, asked_at, text: content.toString('utf8') };
}

/** Rule 3: two NOT_FOUND later than the provider could have accepted the slip, a quiet period apart. */
function checkDenied(attempt, where) {
  const names = ['attempt', 'provider', 'not_after', 'end', 'digest', 'declared', 'not_found'];
  const { not_after, digest, declared, not_found } = members(attempt, names, where);
  check(/^[0-9a-f]{64}$/.test(digest), `${where}.digest is no SHA-256`);
  const bounds = ['acceptance_delay_max_ms', 'visibility_delay_ms', 'quiet_period_ms'];
  members(declared, bounds, `${where}.declared`);
  const [acceptance, visibility, quiet] = bounds.map((name) => count(declared[name], name));
  check(Array.isArray(not_found) && not_found.length === 2, `${where} has not two answers`);
  const [first, second] = not_found.map((one, n) => checkAnswer(one, `${where}.not_found[${n}]`));
  const countsAfter = instant(not_after, `${where}.not_after`) + micros(Math.max(acceptance, visibility));
  check(
    first.askedAt > countsAfter,
    `${where}: the first question came before the provider must have decided`,
  );
  check(
    second.askedAt >= first.askedAt + micros(quiet),
    `${where}: the quiet period between the questions was not kept`,
  );
  return [first, second];
}

/** The provider confirmed, behind its NOT_FOUND and after the last moment at which anything left, that it never executes the slip. */
function checkCancelled(attempt, where) {
  const names = ['attempt', 'provider', 'not_after', 'end', 'digest', 'declared', 'not_found', 'cancelled'];
  const { not_after, digest, declared, not_found, cancelled } = members(attempt, names, where);
  check(/^[0-9a-f]{64}$/.test(digest), `${where}.digest is no SHA-256`);
  const { acceptance_delay_max_ms, ...bounds } = members(
    declared,
    ['acceptance_delay_max_ms', 'visibility_delay_ms', 'quiet_period_ms'],
    `${where}.declared`,
  );
  if (acceptance_delay_max_ms !== null) count(acceptance_delay_max_ms, 'acceptance_delay_max_ms');
  for (const [name, value] of Object.entries(bounds)) count(value, name);
  check(
    Array.isArray(not_found) && not_found.length === 1,
    `${where} has not one answer before it was cancelled`,
  );
  const first = checkAnswer(not_found[0], `${where}.not_found[0]`);
  const confirmation = checkAnswer(cancelled, `${where}.cancelled`);
  check(
    confirmation.askedAt > instant(not_after, `${where}.not_after`),
    `${where}: it was cancelled while something could still leave`,
  );
  check(confirmation.askedAt >= first.askedAt, `${where}: it was cancelled before it was asked about`);
  return [first, confirmation];
}

function checkStatement(statement, keyid, type) {
  const names = ['key_id', 'claim', 'issued_at', 'slip', 'attempts_made', 'attempts'];
  const { key_id, claim, issued_at, slip, attempts_made, attempts } = members(
    statement,
    names,
    'the statement',
  );
  check(key_id === keyid, 'the statement names another key than the signature');
  const issuedAt = instant(issued_at, 'issued_at');
  const ofSlip = [
    'id',
    'caller',
    'reference',
    'kind',
    'account',
    'counterparty',
    'amount',
    'route',
    'deadline',
  ];
  text(members(slip, ofSlip, 'the slip').id, 'slip.id');
  count(attempts_made, 'attempts_made');
  check(Array.isArray(attempts), 'attempts is no list');
  check(attempts.length > 0 || attempts_made === 0, 'it tells of no attempt, and says that some were made');
  let before = 0;
  let denied = 0;
  let cancelled = 0;
  const lines = attempts.map((attempt, n) => {
    const where = `attempts[${n}]`;
    const number = count(attempt?.attempt, `${where}.attempt`);
    check(number > before && number <= attempts_made, `${where} is out of order`);
    before = number;
    const provider = text(attempt.provider, `${where}.provider`);
    if (attempt.end === 'not_sent') {
      members(attempt, ['attempt', 'provider', 'not_after', 'end'], where);
      instant(attempt.not_after, `${where}.not_after`);
      return `attempt ${number}: nothing of it left for ${provider}`;
    }
    const isCancelled = attempt.end === 'cancelled' && type === payloadTypeWithCancellation;
    check(isCancelled || attempt.end === 'not_found', `${where} ended otherwise: nothing is proved`);
    denied += 1;
    cancelled += Number(isCancelled);
    const answers = isCancelled ? checkCancelled(attempt, where) : checkDenied(attempt, where);
    for (const { receivedAt } of answers)
      check(receivedAt <= issuedAt, `${where} was answered after the certificate`);
    const said = answers.map(
      ({ asked_at, text: body }) => `\n    asked at ${asked_at}: ${JSON.stringify(body)}`,
    );
    const end = isCancelled ? 'confirmed that it never executes it' : 'does not know the slip';
    return `attempt ${number}: ${provider} was sent nothing after ${attempt.not_after}, and ${end}${said.join('')}`;
  });
  check(before === attempts_made, 'the last attempt is missing');
  check(cancelled > 0 || type === payloadType, 'it is of the form with a cancellation, and has none');
  check(claim === (denied > 0 ? 'not_executed' : 'never_sent'), 'it claims something else than it tells');
  return [`slip ${slip.id} (${claim}), certified at ${issued_at} by the key ${keyid}`, ...lines];
}

/** A file of anybody must not clear the screen, or write a verdict of its own: what cannot be seen is shown by its code. */
const plain = (text) =>
  text.replaceAll(
    /[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

const plainLines = (lines) => lines.join('\n').split('\n').map(plain).join('\n');

function main(args) {
  const at = args.indexOf('--key');
  const keyFile = at < 0 ? undefined : args[at + 1];
  const files = args.filter((_, n) => at < 0 || (n !== at && n !== at + 1));
  if (files.length !== 1 || keyFile === undefined) {
    console.error(usage);
    return args.includes('--help') ? 0 : 1;
  }
  try {
    const { keyid, type, statement } = open(JSON.parse(readFileSync(files[0], 'utf8')), keysOf(keyFile));
    if (type === reportType) {
      console.log(plainLines(reportLines(statement, keyid)));
      return 0;
    }
    const lines = checkStatement(statement, keyid, type);
    console.log(plainLines(['VALID: under the declared bounds the slip was not executed', ...lines]));
    return 0;
  } catch (error) {
    console.error(
      plain(`NOT VALID: ${error instanceof Invalid ? error.message : `it cannot be read: ${error.message}`}`),
    );
    return 1;
  }
}

process.exitCode = main(process.argv.slice(2));
