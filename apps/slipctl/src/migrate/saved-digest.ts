import { readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import { CliError, messageOf } from '../exit.ts';
import type { LogDigest } from './digest-log.ts';
import type { ServiceDigest } from './digest-service.ts';

/** What `migrate check` saves: the ledger's log, and what the other services keep of its slips. */
export type Digest = LogDigest & { readonly services: readonly ServiceDigest[] };

const number = { type: 'integer' };
const text = { type: 'string' };
const numbers = { type: 'object', additionalProperties: number };

const partition = {
  type: 'object',
  properties: { partition: number, records: number, last_offset: number, digest: text },
  required: ['partition', 'records', 'last_offset', 'digest'],
};
const service = {
  type: 'object',
  properties: {
    ...{ service: text, digested: number, digest: { type: 'string', nullable: true } },
    ...{ up_to: numbers, tables: numbers, numbers, positions: numbers },
  },
  required: ['service', 'digested', 'digest', 'up_to', 'tables', 'numbers', 'positions'],
};
const schema = {
  type: 'object',
  properties: {
    partitions: { type: 'array', items: partition },
    slips: number,
    services: { type: 'array', items: service },
  },
  required: ['partitions', 'slips'],
};

const isDigest = new Ajv().compile<LogDigest & Partial<Digest>>(schema);

/** @throws CliError (usage) that names the file, when it cannot be read, is cut off, or is another one */
export function savedDigest(file: string): Digest {
  let found: unknown;
  try {
    found = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new CliError('usage', `--against ${file} cannot be read: ${messageOf(error)}`);
  }
  if (!isDigest(found)) {
    const [{ instancePath = '', message = '' } = {}] = isDigest.errors ?? [];
    throw new CliError('usage', `${file} is not what --save wrote: ${`${instancePath} ${message}`.trim()}`);
  }
  // A release before this one saved the ledger's alone.
  return { ...found, services: found.services ?? [] };
}
