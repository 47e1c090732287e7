import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { sources } from '@slipstream/contracts';
import { sharedEnvironment } from '@slipstream/environment';
import type { OpsEvent, RecordedEvent } from '@slipstream/slip';
import { v7 } from 'uuid';
import { foldBackUnit, takeUndecided } from '../src/adapters/postgres/fold-back-unit.ts';
import { foldOpsEvent } from '../src/adapters/postgres/fold-ops-event.ts';
import { toRecorded } from '../src/application/advance.ts';
import { decideUndecided, foldBack } from '../src/application/fold-back.ts';
import { noBudget } from '../src/domain/repair/budget.ts';
import { nameOf } from '../src/domain/repair/fold-back.ts';
import { type DatabaseUnderTest, databaseUnderTest } from './database-under-test.ts';
import {
  acknowledged,
  answered,
  at,
  doubted,
  held,
  intended,
  refunded,
  returned,
  Story,
  settled,
  storyMeans,
  submitted,
  told,
} from './story.ts';

const environment = sharedEnvironment();
let database: DatabaseUnderTest;
beforeAll(async () => {
  database = await databaseUnderTest(environment().databaseUrl);
});
afterAll(() => database?.close());

const partition = 3;
const isOwn = ({ source }: RecordedEvent) => source === sources.reconciliation;
const failed = returned({ outcome: 'failed', reason: 'AC04' });
const begun = [submitted(), held, intended()];

/** What other services said behind the verdict, or in time, and what it led to. */
const lives = {
  'a proof behind the verdict': { isOverdue: true, events: [answered(1, 'not_found', true)] },
  'an answer behind the verdict': { isOverdue: true, events: [returned()] },
  'a refund that turns out to be wrong': { isOverdue: false, events: [failed, refunded, returned()] },
  'a doubt that is cleared up': { isOverdue: false, events: [doubted(), returned()] },
  'a denial, and what was taken after it': {
    isOverdue: true,
    events: [answered(1, 'not_found', true), acknowledged],
  },
  'what contradicts after the end': { isOverdue: false, events: [returned(), settled, failed] },
};

/** The whole log of a slip, its own decisions behind what led to them. */
function logOf({ isOverdue, events }: (typeof lives)[keyof typeof lives], slipId: string): RecordedEvent[] {
  const head = begun.map((event, i) => told(event, at(i), { slipId }));
  const [first, ...rest] = head as [RecordedEvent, ...RecordedEvent[]];
  const story = new Story(first, ...rest);
  const log = [...head];
  const decidedSince = (before: number) =>
    story.decided.slice(before).map((one) => {
      const recorded = toRecorded({ ...one, id: one.id! }, one.at);
      return { ...recorded, sequence: 1n, source: sources.reconciliation };
    });
  if (isOverdue) log.push(...decidedSince(story.judge(at(11)) && 0));
  for (const [i, event] of events.entries()) {
    const recorded = told(event, at(isOverdue ? 20 + i : 4 + i), { slipId });
    const before = story.decided.length;
    story.tell(recorded);
    log.push(recorded, ...decidedSince(before));
  }
  return log;
}

/** Folds the log back, an event at a time, and gives what is said behind it. */
async function decidedBehind(log: readonly RecordedEvent[]): Promise<string[]> {
  const { unitOfWork, unit } = database;
  for (const recorded of log)
    await unitOfWork.run((tx) =>
      foldBack(foldBackUnit(tx, partition, unit(tx)), partition, [recorded], { stalls: [], isOwn }),
    );
  const said: string[] = [];
  const decide = () =>
    unitOfWork.run(async (tx) => {
      const to = unit(tx);
      const save: typeof to.save = (changes) => {
        const all = [...changes];
        said.push(...all.flatMap(({ events }) => events.map(({ event }) => nameOf(event))));
        return to.save(all);
      };
      const undecided = await takeUndecided(tx, partition);
      await decideUndecided({ ...to, save }, partition, undecided, storyMeans, noBudget);
    });
  await decide();
  await decide();
  return said;
}

const isNoCause = (name: string) => name !== 'SlipDiagnosed';

test.each(Object.entries(lives))(
  '%s: wherever our own events end in the log, the rest is said once',
  async (_, life) => {
    const whole = logOf(life, v7()).filter(isOwn).length;
    // A verdict, and the question with it, follow from the watermarks and not from what is read.
    for (let kept = life.isOverdue ? 2 : 0; kept <= whole; kept++) {
      const slipId = v7();
      const log = logOf(life, slipId);
      let own = 0;
      const left = log.filter((one) => !isOwn(one) || own++ < kept);
      const said = await decidedBehind(left);
      const names = log.filter(isOwn).map(({ event }) => nameOf(event));
      const lost = names.slice(kept);
      expect([kept, said.filter(isNoCause).toSorted()]).toEqual([kept, lost.filter(isNoCause).toSorted()]);
      // A cause that was told may be told anew, for more is known by now; and one that was not is.
      if (!names.slice(0, kept).includes('SlipDiagnosed'))
        expect(said.includes('SlipDiagnosed')).toBe(lost.includes('SlipDiagnosed'));
    }
  },
);

test('no refund is asked for on a proof that nobody had read, when a success lies behind it', async () => {
  const life = { isOverdue: true, events: [answered(1, 'not_found', true), returned()] };
  let own = 0;
  const log = logOf(life, v7()).filter((one) => !isOwn(one) || own++ < 2);
  expect((await decidedBehind(log)).toSorted()).toEqual(['LateReturnFound', 'SlipDiagnosed']);
});

test('incidents and a blindness that were told are known again, with the slips that are in them', async () => {
  const { unitOfWork } = database;
  const [since, until, later] = [at(0), at(5), at(60)];
  const slips = [at(3), at(5), at(7)].map((time) => ({ slipId: v7(), time }));
  for (const { slipId, time } of slips)
    await unitOfWork.query(
      `insert into missed_slip (slip_id, partition, side, route, kind, at, deadline, fate, has_open_case)
       values ($1, 3, 'beta', 'default', 'order', $2, $2, 'open', false)`,
      [slipId, time],
    );
  const [outage, blindness] = [v7(), v7()];
  const told = (event: OpsEvent, time = later) =>
    unitOfWork.run((tx) => foldOpsEvent(tx, { ...head, id: v7(), time, event }));
  const head = { source: sources.reconciliation, subject: 'any', sequence: 1n };
  const of = { since, until, slips: 2, atRisk: [], warnings: ['w-1'], blindSince: null, blindBy: null };
  const blind = { service: 'ledger', why: 'it lags', since, slips: 1, money: [], instance: 'one' };
  await told({ type: 'IncidentOpened', data: { incident: outage, provider: 'beta', ...of } });
  await told({ type: 'DetectorBlinded', data: blind });
  const about = { ...of, warnings: [], blindSince: since, blindBy: 'ledger' };
  await told({ type: 'IncidentOpened', data: { incident: blindness, provider: null, ...about } });
  const rows = async (sql: string) => unitOfWork.query(sql);
  const incidents =
    'select id, side, since, until, opened_at, closed_at, warnings, blind_by from incident order by id';
  const row = { id: outage, side: 'beta', since, until, opened_at: later, closed_at: null };
  const dark = { ...row, id: blindness, side: '', warnings: [], blind_by: 'ledger' };
  expect(await rows(incidents)).toEqual([{ ...row, warnings: ['w-1'], blind_by: null }, dark]);
  const inIt = 'select slip_id from missed_slip where incident is not null order by at';
  expect(await rows(inIt)).toEqual(slips.slice(0, 2).map(({ slipId: slip_id }) => ({ slip_id })));
  expect(await rows('select instance, service, why, since from said_blind')).toEqual([
    { instance: 'one', service: 'ledger', why: 'it lags', since },
  ]);

  const ended = { since, until, slips: 2, returned: 2, refunded: 0, mergedInto: null };
  await told({ type: 'DetectorRestored', data: { service: 'ledger', since, instance: 'one' } });
  await told({ type: 'IncidentClosed', data: { incident: blindness, provider: null, ...ended } }, at(70));
  expect(await rows('select 1 from said_blind')).toEqual([]);
  expect(await rows('select id, closed_at from incident where closed_at is not null')).toEqual([
    { id: blindness, closed_at: at(70) },
  ]);
});
