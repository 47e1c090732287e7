import { expect, test } from '@jest/globals';
import { freePorts } from './free-ports.ts';

test('free ports differ from each other and from those given before', async () => {
  const ports = [...(await freePorts(20)), ...(await freePorts(20))];
  expect(new Set(ports).size).toBe(40);
});
