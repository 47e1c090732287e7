import { describe, expect, it } from '@jest/globals';
import { type Entry, entryReader } from './entries.ts';
import { parseMapping } from './mapping.ts';

const mapping = parseMapping(
  `layout: long
reference: case
account: who
counterparty: { value: shop }
event: what
time: at
submitted: placed
acknowledged: [taken, accepted]
progress: [{ event: shipped, name: on_the_way }]
returned: [{ event: delivered, outcome: succeeded }, { event: cancelled, outcome: failed }]
deadline: { column: due }
`,
  'm.yaml',
);
const header = ['case', 'who', 'what', 'at', 'due'];

function read(...rows: string[]) {
  const reader = entryReader(mapping, header);
  return rows.map((row, index) => reader.read(row.split(','), index + 2));
}

function joined(...rows: string[]) {
  return entryReader(mapping, header).join(read(...rows) as Entry[]);
}

const placed = 'o-1,c-1,placed,2018-01-01 10:00:00,2018-01-05 00:00:00';

describe('a row per event', () => {
  it('is one slip, with each report at its own time', () => {
    expect(
      joined(
        'o-1,,delivered,2018-01-03 09:00:00,',
        placed,
        'o-1,,accepted,2018-01-01 10:07:00,',
        'o-1,c-1,taken,2018-01-01 10:05:00,',
        'o-1,,shipped,2018-01-02 08:00:00,',
        placed,
      ),
    ).toMatchObject({
      duplicates: 1,
      row: {
        ...{ line: 3, reference: 'o-1', account: 'c-1', counterparty: 'shop' },
        ...{ submittedAt: '2018-01-01T10:00:00.000000Z', deadline: '2018-01-05T00:00:00.000000Z' },
        reports: [
          { column: 'taken', at: '2018-01-01T10:05:00.000000Z', step: 'acknowledged' },
          { at: '2018-01-02T08:00:00.000000Z', step: 'progressed', name: 'on_the_way' },
          { at: '2018-01-03T09:00:00.000000Z', step: 'returned', outcome: 'succeeded' },
        ],
      },
    });
  });

  it('returns by the earliest answer; of two at one moment by the one that the mapping names first', () => {
    const outcome = (...rows: string[]) => {
      const slip = joined(placed, ...rows);
      return 'row' in slip ? slip.row.reports.filter(({ step }) => step === 'returned') : slip;
    };
    const [delivered, cancelled] = [
      'o-1,,delivered,2018-01-03 09:00:00,',
      'o-1,,cancelled,2018-01-03 09:00:00,',
    ];
    expect(outcome(cancelled, delivered)).toMatchObject([{ outcome: 'succeeded' }]);
    expect(outcome(delivered, cancelled.replace('09:00', '08:59'))).toMatchObject([{ outcome: 'failed' }]);
  });

  it('says nothing of a slip where its event has no meaning, whatever else stands in it', () => {
    expect(read('o-1,,looked at,nonsense,')).toEqual([{ line: 2, unmapped: 'looked at' }]);
  });

  it.each([
    ['o-1,c-1,taken,soon,', 'at: "soon" is no time of the form yyyy-MM-dd HH:mm:ss'],
    ['o-1,c-1,,2018-01-01 10:00:00,', 'what is missing'],
  ])('%s cannot be read', (row, problem) => {
    expect(read(row)).toMatchObject([{ problem: expect.stringContaining(problem), reference: 'o-1' }]);
  });

  it.each([
    ['two submissions', placed.replace('10:00:00', '10:00:01'), 'is submitted on line 2 and on line 3'],
    ['two accounts', 'o-1,c-2,taken,2018-01-01 10:00:00,', 'has another who on line 2 than on line 3'],
    ['two deadlines', 'o-1,,taken,2018-01-01 10:00:00,2018-01-06 00:00:00', 'has another due'],
  ])('%s contradict each other', (_, row, contradiction) => {
    expect(joined(placed, row)).toMatchObject({ contradiction: expect.stringContaining(contradiction) });
  });

  it('is due in the zone of the row that says when', () => {
    const zoned = parseMapping(
      `layout: long
reference: case
account: who
counterparty: { value: shop }
event: what
time: at
zone: { column: tz }
submitted: placed
returned: [{ event: delivered, outcome: succeeded }]
deadline: { column: due }
`,
      'm.yaml',
    );
    const reader = entryReader(zoned, [...header, 'tz']);
    const rows = [
      'o-1,c-1,placed,2018-01-01 10:00:00,,UTC',
      'o-1,,delivered,2018-01-03 09:00:00,2018-01-05 00:00:00,-05:00',
    ];
    const entries = rows.map((row, index) => reader.read(row.split(','), index + 2) as Entry);
    expect(reader.join(entries)).toMatchObject({ row: { deadline: '2018-01-05T05:00:00.000000Z' } });
  });

  it('makes no slip that nothing submits, or whose account no row names', () => {
    expect(joined('o-1,c-1,taken,2018-01-01 10:00:00,')).toEqual({ problem: 'has no event that submits it' });
    expect(joined(placed.replace('c-1', ''))).toEqual({ problem: 'who is missing' });
  });
});
