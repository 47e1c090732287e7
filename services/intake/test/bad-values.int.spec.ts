import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Service } from '@slipstream/service-host';
import { type IntakeUnderTest, intakeUnderTest } from './intake-under-test.ts';
import { exchange, expectProblem, goodBody, patiently, post, rawRequest, statusesOf } from './requests.ts';

/** The rows "time", "text", "accounts" and the methods of the table of bad inputs, each cell with its exact outcome. */

let intake: IntakeUnderTest;
let service: Service;
let token: string;
beforeAll(async () => {
  intake = await intakeUnderTest();
  service = await intake.start();
  token = await intake.token('shop');
});
afterAll(() => intake?.stop(), 60_000);

let number = 0;
const fresh = () => `value-${++number}`;
const send = (change: object) =>
  patiently(() =>
    post(
      service,
      token,
      { ...goodBody, reference: fresh(), ...change },
      { 'idempotency-key': `"${fresh()}"` },
    ),
  );
const inMs = (ms: number) => new Date(Date.now() + ms).toISOString();

describe('time', () => {
  test.each<[string, string, string]>([
    ['the first year', '0001-01-01T00:00:00Z', 'deadline_in_past'],
    ['the last year', '9999-12-31T23:59:59Z', 'validation_failed'],
    ['year 275760', '+275760-09-13T00:00:00Z', 'validation_failed'],
    ['a year of five digits', '10000-01-01T00:00:00Z', 'validation_failed'],
    ['24:00', '2027-01-01T24:00:00Z', 'validation_failed'],
    ['a leap second', '2026-12-31T23:59:60Z', 'validation_failed'],
    ['30 February', '2027-02-30T00:00:00Z', 'validation_failed'],
    ['no zone', '2027-01-01T00:00:00', 'validation_failed'],
    ['a zone by name', '2027-01-01T00:00:00 Europe/Berlin', 'validation_failed'],
    ['an offset of a day', '2027-01-01T00:00:00+24:00', 'validation_failed'],
    ['a day alone', '2027-01-01', 'validation_failed'],
    ['digits of another script', '٢٠٢٧-01-01T00:00:00Z', 'validation_failed'],
    ['nothing', '', 'validation_failed'],
  ])('%s as deadline: 422', async (_, deadline, code) => {
    const answer = await send({ deadline });
    expectProblem(answer, 422, code);
    expect(answer.body.errors!.map(({ pointer }) => pointer)).toEqual(['/deadline']);
  });

  test.each<[string, number, string]>([
    ['over before it is sent', -1_000, 'deadline_in_past'],
    ['sooner than any call is answered', 150, 'validation_failed'],
    ['sooner than the route may need for an answer', 1_000, 'validation_failed'],
    ['more than a year ahead', 366 * 86_400_000, 'validation_failed'],
  ])('a deadline %s: 422', async (_, ms, code) => {
    const answer = await send({ deadline: inMs(ms) });
    expectProblem(answer, 422, code);
    expect(answer.body.errors![0]!.pointer).toBe('/deadline');
  });

  test('an hour ahead, and an offset that makes the hour of a clock change plain, are taken as given', async () => {
    expect((await send({ deadline: inMs(3_600_000) })).status).toBe(202);
    const spring = new Date(Date.now() + 86_400_000);
    const local = new Date(spring.getTime() + 3_600_000).toISOString().replace('Z', '+01:00');
    const reference = fresh();
    expect((await send({ reference, deadline: local })).status).toBe(202);
    const [submitted] = await intake.eventsOf(reference);
    expect(submitted!.event.data).toMatchObject({ deadline: spring.toISOString().replace('Z', '000Z') });
  });
});

describe('text', () => {
  const fields = ['reference', 'account', 'counterparty'] as const;

  test.each<[string, string]>([
    ['a right-to-left override', 'shop\u202e7'],
    ['a zero width space', 'shop\u200b7'],
    ['a zero width joiner', 'shop\u200d7'],
    ['a byte order mark', '\ufeffshop'],
    ['a hard space', 'shop\u00a07'],
    ['a line separator', 'shop\u20287'],
    ['a tag character', 'shop\u{e0041}'],
    ['a space in front', ' shop'],
    ['a space behind', 'shop '],
    ['NFD, the twin of a name in NFC', 'cafe\u0301'],
    ['129 characters', 'x'.repeat(129)],
  ])('%s in a name: 422, naming each field', async (_, text) => {
    for (const field of fields) {
      const answer = await send({ [field]: text });
      expectProblem(answer, 422, 'validation_failed');
      expect(answer.body.errors!.map(({ pointer }) => pointer)).toEqual([`/${field}`]);
    }
  });

  test.each<[string, string]>([
    ['characters of four bytes', '💶 kasse 𝔘'],
    ['NFC', 'caf\u00e9'],
    ['Arabic', 'متجر'],
    ['a formula of a spreadsheet', "=cmd|' /C calc'!A0"],
    ['markup', '<script>alert("1")</script>'],
    ['quotes of SQL', 'o\'neil"; drop table slip; --'],
    ['a path', '../../etc/passwd'],
    ['128 characters of four bytes', '😀'.repeat(128)],
  ])('%s is stored as given, and answered as JSON', async (_, text) => {
    const reference = `${fresh()} ${text}`.slice(0, 128).trim();
    const answer = await send({ reference, account: text, metadata: { [text]: text } });
    expect([answer.status, answer.body.reference]).toEqual([202, reference]);
    expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
    const [submitted] = await intake.eventsOf(reference);
    expect(submitted!.event.data).toMatchObject({
      reference,
      account: text,
      details: { clear: { metadata: { [text]: text } } },
    });
  });

  test('what cannot be seen is data in the metadata, and stored as given', async () => {
    const reference = fresh();
    const metadata = { note: '\u202eevil\u200b cafe\u0301 =1+1\r\n<b>' };
    expect((await send({ reference, metadata })).status).toBe(202);
    const [submitted] = await intake.eventsOf(reference);
    expect(submitted!.event.data).toMatchObject({ details: { clear: { metadata } } });
  });

  test('what is refused is not echoed as anything but text of a problem', async () => {
    const answer = await send({ route: '<script>alert(1)</script>' });
    expectProblem(answer, 422, 'route_unknown');
  });
});

describe('accounts', () => {
  test.each<[string, object, string]>([
    ['the payer as payee', { account: 'same', counterparty: 'same' }, '/counterparty'],
    ['an account of the books as payer', { account: 'provider:acme:settlement' }, '/account'],
    ['an account of the books as payee', { counterparty: 'payer:cust-42:held' }, '/counterparty'],
    ['no payer', { account: '' }, '/account'],
    ['a payer that is a number', { account: 42 }, '/account'],
  ])('%s: 422', async (_, change, pointer) => {
    const answer = await send(change);
    expectProblem(answer, 422, 'validation_failed');
    expect(answer.body.errors!.map((error) => error.pointer)).toEqual([pointer]);
  });

  test('the twin of a payer in another case, or with another currency, is an account of its own', async () => {
    for (const change of [{ account: 'Cust-42' }, { amount: { amount: '1', currency: 'JPY' } }]) {
      const reference = fresh();
      expect((await send({ reference, ...change })).status).toBe(202);
      expect((await intake.eventsOf(reference))[0]!.event.data).toMatchObject(
        'account' in change ? change : { amount: { amount: 1n, currency: 'JPY' } },
      );
    }
  });
});

describe('a method that is not one of the path', () => {
  test.each([
    ['PUT', '{}'],
    ['PATCH', '{}'],
    ['DELETE', '{}'],
    ['OPTIONS', '{}'],
    ['TRACE', ''],
    ['HEAD', ''],
  ])('%s: 405', async (method, body) => {
    const line = `${method} /v1/slips HTTP/1.1`;
    const received = await exchange(service.url, [rawRequest(token, body, ['connection: close'], line)]);
    expect(statusesOf(received)).toEqual([405]);
    expect(received).not.toContain(token);
  });
});
