import { expect, test } from '@jest/globals';
import { impatientClients } from './impatient-client.ts';

test('a connection that ends while neither pool nor query runner listens to it ends nothing else', () => {
  const Client = impatientClients();
  const client = new Client();
  const ended = new Error('terminating connection due to administrator command');
  expect(client.emit('error', ended)).toBe(true);
});
