import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Source, sources } from '@slipstream/contracts';
import { addMs, type Instant } from '@slipstream/kernel';
import type { Service } from '@slipstream/service-host';
import type { SlipEvent } from '@slipstream/slip';
import { waitFor } from '@slipstream/testing';
import { v7 } from 'uuid';
import { now, type ReconciliationUnderTest, reconciliationUnderTest } from './reconciliation-under-test.ts';
import {
  answered,
  doubted,
  held,
  intended,
  policy,
  refunded,
  returned,
  settled,
  submitted,
} from './story.ts';

const { intake, gateway, ledger } = sources;
interface Row {
  readonly id: string;
  readonly status: string;
}

let world: ReconciliationUnderTest;
let service: Service;

beforeAll(async () => {
  // One refund an hour needs nobody, and the ladder's second rung is never reached here.
  const repair = { countMax: 1, amountMax: new Map(), ownTroubleMax: 1_000 };
  world = await reconciliationUnderTest({ repair, cases: { escalateAfterMs: 3_600_000 } }, statements);
}, 120_000);
afterAll(() => world?.stop(), 60_000);

const statements = `
statements:
  acme-csv:
    provider: acme
    format: csv
    csv: { unit: minor, date: day, amount: net, currency: EUR, references: [reference], balance: balance }
`;
const slow = { ...policy, inquiryLadderMs: [0, 3_600_000] };
const limits = { warnMs: 1, actMs: 0 };
const none = { submitted: null, review: null, held: null, dispatching: null, returned: null };
const say = (source: Source, slipId: string, ...events: readonly SlipEvent[]) =>
  world.others.say(
    source,
    events.map((event) => ({ slipId, event })),
  );
const begin = async (deadline: Instant = addMs(now(), 3_600_000), more: object = {}) => {
  const slipId = v7();
  await say(intake, slipId, submitted({ deadline, policy: slow, ...more }));
  await say(ledger, slipId, held);
  await say(gateway, slipId, intended());
  return slipId;
};
const soon = () => addMs(now(), 300);
const vouchAll = async () => {
  for (const source of [intake, ledger, gateway]) await world.others.vouch(source, addMs(now(), -20));
};
/** The verdict, once the deadline can be judged. */
const untilOverdue = (slipId: string) =>
  waitFor(
    async () => {
      await vouchAll();
      return world.of(slipId, 'SlipOverdue').length > 0;
    },
    { what: `the verdict about ${slipId}` },
  );
const until = (slipId: string, type: SlipEvent['type']) => world.untilPublished(slipId, type);
const act = async (slipId: string, body: object) => {
  const path = `/v1/cases/${slipId}/actions`;
  const answer = await world.post(service, path, { reason: 'as agreed', ...body });
  expect([answer.body, answer.status < 300]).toEqual([answer.body, true]);
  return answer.body;
};
const isReady = () =>
  waitFor(async () => (await fetch(`${service.url}/readyz`)).ok, { what: 'reconciliation to be ready' });

/** All is read, and what was decided is on the topic. */
const untilSettled = () =>
  waitFor(
    async () => {
      const { rows: unsent } = await world.database.query(
        'select 1 from sequencer s join relay r using (topic, partition) where r.sent_seq < s.next_seq - 1',
      );
      const { rows: read } = await world.database.query(
        "select partition, next_offset from consumer_position where consumer_group = 'reconciliation'",
      );
      const positions = new Map(read.map((row) => [row.partition, Number(row.next_offset)]));
      const isRead = [...world.others.ends].every(([partition, end]) => positions.get(partition)! >= end);
      const { rows: undecided } = await world.database.query('select 1 from undecided');
      const { rows: unbooked } = await world.database.query(
        `select 1 from consumer_position p left join booked_through b using (partition)
          where p.consumer_group = 'reconciliation' and p.next_offset > coalesce(b.next_offset, 0)`,
      );
      return unsent.length + undecided.length + unbooked.length === 0 && isRead;
    },
    { what: 'all to be read and sent' },
  );

/** When something of our own happened is told by the log alone, a moment later than it was decided. */
const timeless = (value: unknown) =>
  JSON.parse(
    JSON.stringify(value, (_, one) =>
      typeof one === 'string' ? one.replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)/g, 'then') : one,
    ),
  );

/** All that reconciliation keeps of slips and cases, but the times of its own clock. */
async function rows(): Promise<Record<string, unknown[]>> {
  const asked = {
    open: `select slip_id, partition, clock, deadline::text, due_at::text, verdict, awaits_hold, next_step, late_at, state::jsonb, observations::jsonb
       from open_slip order by 1`,
    archived:
      'select slip_id, partition, verdict, state::jsonb, observations::jsonb from archived_slip order by 1',
    cases: "select to_jsonb(c) - 'version' as file from case_file c order by slip_id",
    actions: `select slip_id, action, asked_by, reason, status, decision, decided_by from case_action
       where status <> 'refused' order by 1, 2, 5`,
    missed: `select slip_id, partition, side, provider, route, kind, currency, amount, at::text, deadline::text, cause_class, cause_code, fate,
       has_open_case, withheld_at is null as is_free, incident from missed_slip order by 1`,
    incidents: 'select id, side, since, until, closed_at is null as open, warnings from incident order by 1',
    spent:
      'select currency, sum(refunds) as refunds, sum(amount) as amount, sum(own_trouble) from repair_spent group by 1 order by 1',
    counts:
      'select clock, partition, slips, in_time, overdue, not_returned from clock_progress where slips > 0 order by 1, 2',
  };
  const found = Object.entries(asked).map(
    async ([name, sql]) => [name, timeless((await world.database.query(sql)).rows)] as const,
  );
  return Object.fromEntries(await Promise.all(found));
}

const versions = async () => {
  const { rows: found } = await world.database.query('select slip_id, version from case_file');
  return new Map<string, number>(found.map(({ slip_id, version }) => [slip_id, version]));
};
const told = () => world.published.map(({ id }) => id);
const restore = async (name: string) => {
  await service.stop();
  await world.putBack(name);
  // One that ends while it folds: whoever comes after it goes on.
  await (await world.start()).stop();
  service = await world.start();
  await isReady();
  await untilSettled();
};
const restart = async (name: string) => {
  await service.stop();
  await world.copyAside(name);
  service = await world.start();
  await isReady();
};

test('yesterday’s database gets its events back from the log: every verdict, case, act and refund is as it was', async () => {
  service = await world.start();
  await isReady();
  await restart('empty');

  const [quiet, asked, waiting] = [await begin(), await begin(soon()), await begin()];
  const late = await begin(undefined, { policy: { ...slow, stages: { ...none, dispatching: limits } } });
  const doubtful = [await begin(), await begin(), await begin(), await begin()];
  for (const slipId of doubtful) await say(gateway, slipId, doubted());
  const [parked, parkedLater] = [await begin(soon()), await begin(soon())];
  await world.others.sayNonsense(gateway, parked);
  for (const slipId of doubtful) await until(slipId, 'CaseOpened');
  await untilOverdue(asked);
  await until(asked, 'InquiryRequested');
  await untilSettled();
  await restart('copy');

  const [assigned, closed, proposed, declined] = doubtful as [string, string, string, string];
  await say(gateway, asked, answered(1, 'not_found', true));
  await until(asked, 'RefundRequested');
  const [unread, undecided] = [await begin(), await begin(soon())];
  await untilOverdue(undecided);
  const [withheld, answeredLate, failed, contradicted, paidTwice] = [
    ...[await begin(soon()), await begin(soon()), await begin(), await begin(), await begin()],
  ] as [string, string, string, string, string];
  for (const slipId of [withheld, answeredLate]) await untilOverdue(slipId);
  for (const slipId of [withheld, answeredLate]) await until(slipId, 'InquiryRequested');
  await say(gateway, withheld, answered(1, 'not_found', true));
  await say(gateway, answeredLate, returned());
  await world.others.sayNonsense(gateway, parkedLater);
  await say(gateway, failed, returned({ outcome: 'failed', reason: 'AC04' }));
  await say(gateway, contradicted, returned());
  await say(ledger, contradicted, settled);
  await say(gateway, contradicted, returned({ outcome: 'failed', reason: 'AC04' }));
  await say(gateway, paidTwice, returned({ outcome: 'failed', reason: 'AC04' }));
  await say(ledger, paidTwice, refunded);
  await say(gateway, paidTwice, returned());
  await until(withheld, 'CaseOpened');
  await until(answeredLate, 'LateReturnFound');
  await until(failed, 'SlipDiagnosed');
  for (const slipId of [contradicted, paidTwice]) await until(slipId, 'CaseOpened');
  await waitFor(
    async () => {
      await vouchAll();
      return world.of(late, 'StageLate').length > 0;
    },
    { what: 'the stage to be late' },
  );
  await act(assigned, { action: 'assign', assignee: 'bob' });
  await act(assigned, { action: 'note' });
  await act(closed, { action: 'close' });
  await act(proposed, { action: 'refund' });
  const { id } = await act(declined, { action: 'refund' });
  await world.post(service, `/v1/case-actions/${id}/decline`, { note: 'no' }, 'cat');
  await untilSettled();
  const [before, said, seen] = [await rows(), told(), await versions()];

  for (const name of ['copy', 'empty', 'copy']) {
    await restore(name);
    expect([name, await rows()]).toEqual([name, before]);
    // An ETag that somebody has seen is not given again to something else.
    for (const [slipId, version] of await versions())
      expect(version).toBeGreaterThanOrEqual(seen.get(slipId)!);
  }
  // Under a process that runs.
  await world.putBack('copy');
  await untilSettled();
  await isReady();
  expect(await rows()).toEqual(before);
  // Nobody had decided about this when the database was lost.
  await service.stop();
  await world.putBack('copy');
  await say(gateway, unread, doubted());
  await say(gateway, undecided, answered(1, 'not_found', true));
  service = await world.start();
  await until(unread, 'CaseOpened');
  await until(undecided, 'CaseOpened');
  expect(world.of(undecided).map(({ event }) => event.type)).toEqual([
    ...['SlipOverdue', 'InquiryRequested', 'SlipNotReturned', 'SlipDiagnosed', 'CaseOpened'],
  ]);
  said.push(...[...world.of(unread), ...world.of(undecided)].map((one) => one.id));
  // What it would say twice it would say now.
  await vouchAll();
  const fresh = await begin();
  await say(gateway, fresh, doubted());
  await until(fresh, 'CaseOpened');
  await untilSettled();
  expect(told().filter((one) => !said.includes(one))).toEqual(world.of(fresh).map((one) => one.id));

  // What was under way goes on.
  const [action] = (await world.get(service, `/v1/case-actions?slip=${proposed}`)).body.data;
  await world.post(service, `/v1/case-actions/${action.id}/approve`, { note: 'checked' }, 'cat');
  await until(proposed, 'RefundRequested');
  await act(withheld, { action: 'release' });
  await until(withheld, 'RefundRequested');
  await say(gateway, waiting, returned({ outcome: 'failed', reason: 'AC04' }));
  await until(waiting, 'SlipDiagnosed');
  expect(world.of(quiet)).toEqual([]);
}, 240_000);

const scope = 'statements:read statements:write breaks:read breaks:write';
const give = (file: string) =>
  world.get(service, '/v1/statements?source=acme-csv', scope, {
    ...{ method: 'POST', body: file },
    headers: { 'content-type': 'text/csv', 'idempotency-key': v7() },
  });
const statement = async (id: string) => (await world.get(service, `/v1/statements/${id}`, scope)).body;
const untilMatched = (id: string) =>
  waitFor(async () => (await statement(id)).status === 'matched', { what: `statement ${id} to be matched` });

/** All that is kept of statements, but the times of its own clock, and who waits for what. */
async function statementRows(): Promise<Record<string, unknown[]>> {
  const asked = {
    statements: `select id, source, digest, bytes, accounts, lines, booked_from, booked_to, status, accepted_by, problem from statement
       order by accepted_at`,
    lines: "select to_jsonb(l) - 'is_told' as line from statement_line l order by statement_id, n",
    breaks: `select id, kind, statement_id, provider, n, line, slip_id, currency, difference, expected, seen, awaited, wanted, status,
       resolution, resolved_by, reason from statement_break order by id`,
    slips: 'select slip_id, outcome, paid, came_back, named from booked_slip order by 1',
    balances:
      'select to_jsonb(b) as balance from statement_balance b order by statement_id, account_n, currency',
  };
  const found = Object.entries(asked).map(
    async ([name, sql]) => [name, timeless((await world.database.query(sql)).rows)] as const,
  );
  return Object.fromEntries(await Promise.all(found));
}

const opsTold = () =>
  world.told.filter(({ event }) => event.type.startsWith('Statement')).map(({ id }) => id);
/** Lines and slips show what the log told, and what may be of a slip after all was looked at. */
const untilShown = () =>
  waitFor(
    async () => {
      const { rows: left } =
        await world.database.query(`select 1 from told_line where slip_id is not null and not is_counted
        union all select 1 from statement where has_told or status = 'accepted'
        union all select 1 from statement_break where is_named and status <> 'resolved'`);
      return left.length === 0;
    },
    { what: 'what was told to be shown' },
  );

test('lines of statements that were matched since the copy are told nothing of again, and a file that is given again is what it was', async () => {
  service ??= await world.start();
  await isReady();
  await restart('before');
  const [paid, open, twice, parted, lost] = [
    ...[await begin(), await begin(), await begin(), await begin(), await begin()],
  ] as [string, string, string, string, string];
  const later = v7();
  for (const slipId of [paid, twice, parted, lost]) await say(gateway, slipId, returned());
  await untilSettled();
  const day = new Date().toISOString().slice(0, 10);
  let balance = 0;
  const fileOf = (lines: readonly (readonly [number, string])[]) =>
    [
      'day,net,reference,balance',
      ...lines.map(([net, name]) => {
        balance += net;
        return `${day},${net},${name},${balance}`;
      }),
      '',
    ].join('\n');
  // Accepted before the copy, and matched behind it: an older one is in its way.
  const blocker = v7();
  const block = `insert into statement (id, source, provider, format, digest, bytes, accounts, lines, status, read_to, accepted_at, accepted_by, due_at)
    values ('${blocker}', 'acme-csv', 'acme', 'csv', 'none', 0, '[]', 0, 'accepted', '{}', now() - interval '1 day', 'ann', now() + interval '1 day')`;
  const unblock = () => world.database.query('delete from statement where id = $1', [blocker]);
  await world.database.query(block);
  const first = fileOf([
    [1_250, paid],
    [77, 'nobody'],
  ]);
  const accepted = (await give(first)).body.id;
  await restart('accepted');
  await unblock();
  await untilMatched(accepted);

  const second = fileOf([
    [1_250, open],
    [1_250, twice],
    [1_250, twice],
    [500, parted],
    [1_250, later],
    [88, 'somebody'],
  ]);
  const given = (await give(second)).body.id;
  await untilMatched(given);
  for (const slipId of [open, twice, parted]) await until(slipId, 'BreakOpened');
  await say(gateway, open, returned());
  await until(open, 'BreakResolved');
  await say(intake, later, submitted({ deadline: addMs(now(), 3_600_000), policy: slow }));
  await say(ledger, later, held);
  await say(gateway, later, intended());
  await until(later, 'StatementLineMatched');
  const [duplicate] = (await world.get(service, `/v1/breaks?slip=${twice}`, scope)).body.data;
  const resolved = await world.get(service, `/v1/breaks/${duplicate.id}/resolve`, scope, {
    ...{ method: 'POST', body: JSON.stringify({ reason: 'given back by phone' }) },
    headers: { 'content-type': 'application/json' },
  });
  expect([resolved.body, resolved.status < 300]).toEqual([resolved.body, true]);
  await until(twice, 'BreakResolved');
  await untilShown();
  await untilSettled();
  const [before, said, opsSaid] = [await statementRows(), told(), opsTold()];

  for (const [name, files] of [
    ['accepted', [second]],
    ['before', [first, second]],
  ] as const) {
    await restore(name);
    await unblock();
    const { rows: breaks } = await world.database.query('select id, status from statement_break order by id');
    expect(breaks).toEqual((before.breaks as readonly Row[]).map(({ id, status }) => ({ id, status })));
    expect(await statement(given)).toMatchObject({
      status: 'accepted',
      problem: expect.stringContaining('Give the file again'),
    });
    for (const file of files) {
      const answer = await give(file);
      expect(answer.status).toBe(200);
      expect([accepted, given]).toContain(answer.body.id);
      await untilMatched(answer.body.id);
    }
    await untilMatched(accepted);
    await untilShown();
    await untilSettled();
    expect([name, await statementRows()]).toEqual([name, before]);
    expect((await give(second)).body).toMatchObject({ id: given, status: 'matched', problem: null });
  }
  expect(told().filter((one) => !said.includes(one))).toEqual([]);
  expect(opsTold()).toEqual(opsSaid);

  // What was told counts: what comes for it next came once more, or is its rest.
  const third = fileOf([
    [1_250, paid],
    [750, parted],
    [1_250, lost],
  ]);
  const next = (await give(third)).body.id;
  await untilMatched(next);
  await until(lost, 'StatementLineMatched');
  await untilSettled();
  const kindsOf = (slipId: string) =>
    world.of(slipId, 'BreakOpened').map(({ event }) => event.type === 'BreakOpened' && event.data.kind);
  expect(kindsOf(paid)).toEqual(['duplicate']);
  expect(world.of(paid, 'StatementLineMatched')).toHaveLength(1);
  expect(world.of(parted, 'StatementLineMatched')).toHaveLength(2);
}, 240_000);
