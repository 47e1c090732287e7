import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import type { UnitOfWork } from '@slipstream/postgres';
import { questionsOf } from './query.ts';

const page = readFileSync(join(import.meta.dirname, '../../docs/reference/lists.md'), 'utf8');

/** What the benchmark calls a page of each list. */
const lists: Readonly<Record<string, string>> = {
  slips: 'slips',
  events: 'events',
  cases: 'cases',
  'money that waits for people': 'suspense',
  reviews: 'reviews',
  'what has no slip': 'unmatched',
};

test('the benchmark of questions asks for a page by every filter that docs/reference/lists.md has', () => {
  const asked = questionsOf({} as UnitOfWork);
  const sections = page.split(/^## The filters of /m).slice(1);
  expect(sections.map((section) => section.split('\n')[0])).toEqual(Object.keys(lists));
  for (const section of sections) {
    const [heading = '', ...lines] = section.split('\n');
    const filters = lines.flatMap((line) => {
      const [, cell = ''] = /^\| (`[^|]*) \|/.exec(line) ?? [];
      return [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name!);
    });
    expect(filters.length).toBeGreaterThan(2);
    const pages = asked.filter((name) => name.startsWith(`${lists[heading]} by `));
    const without = filters.filter((filter) => !pages.some((name) => hasWord(name, filter)));
    expect([heading, without]).toEqual([heading, []]);
  }
});

/** As a whole: `account` is not in `account_of`. */
const hasWord = (text: string, word: string): boolean =>
  text
    .split(' by ')[1]!
    .split(/[ =]/)
    .some((one) => one === word);
