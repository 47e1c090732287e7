import { jsonCallbackUnderTest } from '../json-callback/spec-support.ts';
import { pollStatementUnderTest } from '../poll-statement/spec-support.ts';
import type { ProtocolUnderTest } from '../spec-support.ts';

/** Every protocol, for the suites that run over all of them. A new one adds its name here. */
export const protocolsUnderTest: readonly ProtocolUnderTest[] = [
  jsonCallbackUnderTest,
  pollStatementUnderTest,
];
