import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { savedDigest } from './saved-digest.ts';

const folder = mkdtempSync(join(tmpdir(), 'saved-digest-spec-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function saved(content: unknown) {
  const file = join(folder, 'before.json');
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  return savedDigest(file);
}

const log = {
  partitions: [{ partition: 0, records: 2, last_offset: 3, digest: 'd' }],
  slips: 1,
  slips_missing: 0,
};
const service = {
  ...{
    service: 'intake',
    slips: 1,
    missing: 0,
    first_missing: [],
    up_to: { 0: 4 },
    digested: 1,
    digest: 'e',
  },
  ...{ tables: { slip: 1 }, numbers: {}, positions: {} },
};

describe('a saved digest', () => {
  it('is read as it was written, of a release that saved the log alone, too', () => {
    const cases = { ...service, service: 'reconciliation', digest: null };
    expect(saved({ ...log, services: [service, cases] })).toEqual({ ...log, services: [service, cases] });
    expect(saved(log)).toEqual({ ...log, services: [] });
  });

  it.each<[string, unknown, RegExp]>([
    ['is empty', '', /before\.json cannot be read: Unexpected end/],
    ['is cut off', JSON.stringify(log).slice(0, -4), /before\.json cannot be read/],
    ['is no JSON', 'counted: 3 records', /before\.json cannot be read/],
    ['is null', null, /before\.json is not what --save wrote: must be object/],
    ['is a list', [log], /is not what --save wrote: must be object/],
    [
      'is another document',
      { ok: true },
      /is not what --save wrote: must have required property 'partitions'/,
    ],
    ['has a partition that is none', { ...log, partitions: [null] }, /: \/partitions\/0 must be object/],
    [
      'lacks what a service read',
      { ...log, services: [{ ...service, positions: undefined }] },
      /services\/0 must have .*'positions'/,
    ],
    [
      'counts in words',
      { ...log, services: [{ ...service, tables: { slip: 'one' } }] },
      /tables\/slip must be integer/,
    ],
  ])('that %s is refused by name', (_, content, said) => {
    expect(() => saved(content)).toThrow(said);
  });

  it('that is a folder is refused by name', () => {
    expect(() => savedDigest(folder)).toThrow(/saved-digest-spec-.* cannot be read: .*EISDIR/);
  });
});
