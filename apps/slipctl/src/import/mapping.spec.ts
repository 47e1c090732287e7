import { describe, expect, it } from '@jest/globals';
import { CliError } from '../exit.ts';
import { parseMapping } from './mapping.ts';
import { requireColumns } from './rows.ts';
import { header, mappingWith } from './spec-support.ts';

function refusal(text: string): string[] {
  try {
    parseMapping(text, 'm.yaml');
  } catch (error) {
    expect(error).toBeInstanceOf(CliError);
    expect((error as CliError).exitCode).toBe(2);
    return (error as CliError).message.split('\n');
  }
  throw new Error('the mapping was taken');
}

const good = `layout: wide
reference: ref
account: { column: customer }
counterparty: { value: shop }
submitted: { column: sent }
returned:
  - { column: done, outcome: succeeded }
deadline: { after: 72h }
`;

describe('a mapping', () => {
  it('has defaults for what a file need not say', () => {
    expect(parseMapping(good, 'm.yaml')).toMatchObject({
      reference: 'ref',
      kind: { value: 'order' },
      route: { value: 'import' },
      amount: null,
      layout: { name: 'wide', acknowledged: null, progress: [] },
      dialect: { delimiter: ',', encoding: 'utf-8', empty: new Set(), decimal: '.', thousands: null },
      deadline: { afterMs: 72 * 3_600_000 },
    });
    expect(mappingWith({ progress: '[{ column: moved }]' }).layout).toMatchObject({
      progress: [{ columns: ['moved'], name: 'moved' }],
    });
  });

  it.each([
    [
      'a key nobody knows',
      good.replace('reference:', 'referenz: x\nreference:'),
      ['m.yaml:2:1: referenz is no key'],
    ],
    [
      'a key nobody knows, deeper',
      good.replace('outcome:', 'result: 1, outcome:'),
      ['m.yaml:7:21: returned.0.result is no key'],
    ],
    ['a missing key', good.replace(/submitted.*\n/, ''), ['m.yaml:1:1: submitted is missing']],
    [
      'an outcome that is none',
      good.replace('succeeded', 'fine'),
      ['m.yaml:7:30: returned.0.outcome must be one of'],
    ],
    [
      'two sources at once',
      good.replace('value: shop', 'value: shop, column: x'),
      ['m.yaml:4:15: counterparty must'],
    ],
    ['a zone that is none', `${good}zone: Mars/Base\n`, ['m.yaml:9:7: zone Mars/Base']],
    [
      'a format without a day',
      `${good}time_format: HH:mm\n`,
      ['m.yaml:9:14: time_format HH:mm does not tell'],
    ],
    ['no duration', good.replace('72h', 'soon'), ['m.yaml:8:20: deadline.after must be a duration']],
    ['a kind that is none', `${good}kind: { value: gift }\n`, ['m.yaml:9:16: kind must be one of']],
    [
      'a name with control characters',
      good.replace('value: shop', 'value: "a\\tb"'),
      ['m.yaml:4:24: counterparty must'],
    ],
    [
      'an account of the books',
      good.replace('value: shop', 'value: "payer:shop:held"'),
      ['m.yaml:4:24: counterparty must not have the form'],
    ],
    ['no YAML', good.replace('{ column: sent }', '{ column: sent'), ['m.yaml:6:1: ']],
    ['a key twice', `${good}layout: wide\n`, ['m.yaml:9:1: Map keys must be unique']],
    [
      'another layout',
      good.replace('wide', 'deep'),
      ['m.yaml:1:9: the layout deep cannot be imported, only wide'],
    ],
    ['an encoding that is none', `${good}encoding: klingon\n`, ['m.yaml:9:11: encoding klingon is none']],
    [
      'one sign for two things',
      `${good}decimal: ","\nthousands: ","\n`,
      ['m.yaml:10:12: thousands and decimal'],
    ],
    ['a word for a zone that is none', `${good}zones: { EDT: Mars }\n`, ['m.yaml:9:15: zone Mars']],
    [
      'a deadline of two kinds',
      good.replace('after: 72h', 'after: 72h, column: due'),
      ['m.yaml:8:11: deadline must have exactly one'],
    ],
    [
      'the keys of the other layout',
      good.replace('wide', 'long'),
      [
        'm.yaml:1:1: event is missing',
        'm.yaml:1:1: time is missing',
        'm.yaml:5:12: submitted must be',
        'm.yaml:7:5: returned.0.event is missing',
        'm.yaml:7:7: returned.0.column is no key',
      ],
    ],
    ['nothing at all', '', ['m.yaml:1:1: the mapping is empty']],
    [
      'several things, all of them in order',
      `${good}zone: x\ncolour: red\n`.replace('succeeded', 'fine'),
      ['m.yaml:7:30', 'm.yaml:10:1'],
    ],
  ])('with %s is refused with its place', (_, text, expected) => {
    const told = refusal(text);
    expect(told).toHaveLength(expected.length);
    for (const [index, start] of expected.entries()) expect(told[index]!.slice(0, start.length)).toBe(start);
  });

  it('names every column that the header lacks or has twice, with its place', () => {
    const mapping = parseMapping(good, 'm.yaml');
    expect(() => requireColumns(mapping, ['ref', 'ref', 'customer', 'sent'])).toThrow(
      'm.yaml:2:12: column ref is in the header 2 times\n' +
        'm.yaml:7:15: column done is not in the header: ref, ref, customer, sent',
    );
    expect(() => requireColumns(mapping, header)).not.toThrow();
  });
});
