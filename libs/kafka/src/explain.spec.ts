import { expect, test } from '@jest/globals';
import { explain } from './explain.ts';

// As Node 24 and Kafka 4.1 said them.
const openssl = (alert: string, number: number) =>
  `Connection error: 404D8CFAAC7F0000:error:0A000412:SSL routines:ssl3_read_bytes:${alert}:../deps/openssl/openssl/ssl/record/rec_layer_s3.c:918:SSL alert number ${number}\n`;

test.each([
  [openssl('ssl/tls alert bad certificate', 42), 'the broker asks for a certificate'],
  [openssl('tlsv13 alert certificate required', 116), 'the broker asks for a certificate'],
  [openssl('ssl/tls alert certificate unknown', 46), 'the broker does not trust the certificate'],
  [openssl('tlsv1 alert unknown ca', 48), 'the broker does not trust the certificate'],
  ['This server does not host this topic-partition', 'the topic is not there'],
])('%j is told in one line, with its meaning first', (text, meaning) => {
  const told = explain(text);
  expect(told.startsWith(meaning)).toBe(true);
  expect(told).not.toContain('\n');
});

test('what says its cause itself stays as it is', () => {
  for (const text of ['Connection error: certificate has expired', 'Connection error: connect ECONNREFUSED'])
    expect(explain(text)).toBe(text);
});
