import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { partitionsDefault, sources, topics } from '@slipstream/contracts';
import { partitionOf } from '@slipstream/kafka';
import { addMs, type Instant } from '@slipstream/kernel';
import type { Service } from '@slipstream/service-host';
import type { SlipEvent } from '@slipstream/slip';
import { waitFor } from '@slipstream/testing';
import { v7 } from 'uuid';
import {
  inMs,
  now,
  type ReconciliationUnderTest,
  reconciliationUnderTest,
  type Said,
} from './reconciliation-under-test.ts';
import {
  acknowledged,
  answered,
  at,
  held,
  intended,
  refunded,
  returned,
  settled,
  submitted,
  unanswered,
} from './story.ts';

const { intake, gateway, ledger } = sources;
let world: ReconciliationUnderTest;
let service: Service;
beforeAll(async () => {
  world = await reconciliationUnderTest();
  service = await world.start();
});
afterAll(() => world?.stop(), 60_000);

const policy = { graceMs: 0, quietPeriodMs: 500, inquiryLadderMs: [0, 500, 1_500] };
const about = (slipId: string, event: SlipEvent, rest: Partial<Said> = {}): Said => ({
  slipId,
  event,
  ...rest,
});
/** Submits slips whose deadline is already over, holds them and sends them. */
const begin = async (slipIds: readonly string[], data: Parameters<typeof submitted>[0] = {}) => {
  const deadline = data?.deadline ?? addMs(now(), -3_000);
  await world.others.say(
    intake,
    slipIds.map((slipId) => about(slipId, submitted({ policy, ...data, deadline }))),
  );
  await world.others.say(
    ledger,
    slipIds.map((slipId) => about(slipId, held)),
  );
  await world.others.say(
    gateway,
    slipIds.map((slipId) => about(slipId, intended())),
  );
  return deadline;
};
const vouch = async (time: Instant = now()) => {
  await world.others.vouch(ledger, time);
  await world.others.vouch(gateway, time);
};
/** The watermarks when the detector sees, which it may not yet on a machine that has had no time for it. */
const seeing = () =>
  waitFor(
    async () => {
      await vouch();
      const { body } = await world.get(service, '/v1/watermarks');
      return body.detector.blind ? null : body;
    },
    { what: 'the detector to see' },
  );
/** Past the deadline, also by a grace that is wider by what the clocks seem to lie apart: a second at most. */
const past = (deadline: Instant) => waitFor(() => now() > addMs(deadline, 1_000), { what: 'the deadline' });
/** How many slips returned in time: counted a partition at a time, so a spec waits for those of its own. */
const inTime = async () => {
  const counted = "select coalesce(sum(in_time), 0)::int as n from clock_progress where clock = 'wall'";
  return (await world.database.query(counted)).rows[0].n;
};
/** What was said of the slip so far. */
const isRead = (slipId: string) =>
  waitFor(
    async () => {
      const partition = partitionOf(slipId, partitionsDefault);
      const { rows } = await world.database.query(
        "select next_offset from consumer_position where consumer_group = 'reconciliation' and topic = $1 and partition = $2",
        [topics.events.name, partition],
      );
      return Number(rows[0]?.next_offset ?? -1) >= world.others.ends.get(partition)!;
    },
    { what: `what was said of ${slipId} to be read` },
  );
const types = (slipId: string) => world.of(slipId).map(({ event }) => event.type);

describe('a deadline', () => {
  test('is judged when the gateway vouches for it, and not before', async () => {
    const [late, early] = [v7(), v7()];
    const before = await inTime();
    const deadline = await begin([late, early]);
    await world.others.vouch(gateway, addMs(deadline, -1_000));
    await world.others.say(gateway, [about(early, returned(), { receivedTime: addMs(deadline, -2_000) })]);
    expect(types(late)).toEqual([]);
    await vouch();
    await world.untilPublished(late, 'InquiryRequested');
    expect(types(late).slice(0, 2)).toEqual(['SlipOverdue', 'InquiryRequested']);
    expect(types(early)).toEqual([]);
    await waitFor(async () => (await inTime()) === before + 1, { what: 'the verdict of the one in time' });
  });

  test('of a slip that returned in time leaves nothing behind once it is settled', async () => {
    const slipId = v7();
    const before = await inTime();
    await begin([slipId], { deadline: inMs(60_000) });
    await world.others.say(gateway, [about(slipId, returned())]);
    await waitFor(async () => (await inTime()) === before + 1, { what: 'its verdict' });
    await world.others.say(ledger, [about(slipId, settled)]);
    await world.others.vouch(gateway, now());
    await isRead(slipId);
    const kept = await world.database.query(
      'select 1 from open_slip where slip_id = $1 union all select 1 from archived_slip where slip_id = $1',
      [slipId],
    );
    expect(kept.rows).toEqual([]);
    expect(types(slipId)).toEqual([]);
  });

  test('of a slip that is not held waits for the ledger, too', async () => {
    const slipId = v7();
    const deadline = inMs(300);
    await world.others.say(intake, [about(slipId, submitted({ policy, deadline }))]);
    await world.others.vouch(ledger, addMs(deadline, -1));
    await past(deadline);
    await world.others.vouch(gateway, now());
    const other = v7();
    await begin([other]);
    await world.others.vouch(gateway, now());
    await world.untilPublished(other, 'SlipOverdue');
    expect(types(slipId)).toEqual([]);
    await vouch();
    const verdict = await world.untilPublished(slipId, 'SlipOverdue');
    expect(verdict).toMatchObject({
      receivedTime: deadline,
      event: { data: { stage: 'returned', deadline } },
    });
  });

  test('of a slip behind a dead letter is undetermined', async () => {
    const [parked, other] = [v7(), v7()];
    const deadline = await begin([parked, other], { deadline: inMs(300) });
    await world.others.sayNonsense(gateway, parked);
    const rows = async () =>
      (await world.database.query('select 1 from parked_key where key = $1', [parked])).rows;
    await waitFor(async () => (await rows()).length > 0, { what: 'the dead letter' });
    await past(deadline);
    await vouch();
    await world.untilPublished(other, 'SlipOverdue');
    expect(types(parked)).toEqual([]);
  });
});

describe('an overdue slip', () => {
  test('that is proved not executed is refunded', async () => {
    const slipId = v7();
    await begin([slipId], { policy: { ...policy, inquiryLadderMs: [0, 60_000] } });
    await vouch();
    await world.untilPublished(slipId, 'InquiryRequested');
    await world.others.say(gateway, [
      about(slipId, unanswered()),
      about(slipId, answered(1, 'not_found', true)),
    ]);
    await world.untilPublished(slipId, 'RefundRequested');
    expect(types(slipId)).toEqual([
      'SlipOverdue',
      'InquiryRequested',
      'SlipNotReturned',
      'SlipDiagnosed',
      'RefundRequested',
    ]);
  });

  test('whose answer comes late is recovered, with its cause', async () => {
    const slipId = v7();
    const deadline = await begin([slipId], { deadline: inMs(1_000) });
    await past(deadline);
    await vouch();
    await world.untilPublished(slipId, 'InquiryRequested');
    await world.others.say(gateway, [
      about(slipId, acknowledged),
      about(slipId, answered(1, 'returned')),
      about(slipId, returned({ evidence: 'inquiry_answer' })),
    ]);
    const found = await world.untilPublished(slipId, 'LateReturnFound');
    expect(found.event.data).toMatchObject({ after: 'overdue' });
    const [diagnosed] = world.of(slipId, 'SlipDiagnosed');
    expect(diagnosed!.event.data).toMatchObject({ cause: { code: 'callback_lost', class: 'third_party' } });
  });

  test('that nobody can clear up becomes a case, and the case closes when the answer comes', async () => {
    const slipId = v7();
    await begin([slipId]);
    await vouch();
    for (const inquiry of [1, 2, 3]) {
      await waitFor(() => world.of(slipId, 'InquiryRequested').length >= inquiry, {
        what: `inquiry ${inquiry}`,
      });
      await world.others.say(gateway, [about(slipId, answered(inquiry, 'no_answer'))]);
    }
    const conclude = setInterval(() => void vouch(), 100);
    await world.untilPublished(slipId, 'CaseOpened').finally(() => clearInterval(conclude));
    const { body } = await waitFor(
      async () => {
        const answer = await world.get(service, `/v1/cases/${slipId}`);
        return answer.status === 200 ? answer : null;
      },
      { what: 'the case' },
    );
    expect(body).toMatchObject({
      ...{ slip_id: slipId, status: 'open', reason: 'inquiry_exhausted', provider: 'acme', closed_at: null },
      cause: { class: 'network', code: 'provider_unreachable', evidence: expect.any(Array) },
    });
    const listed = await world.get(service, '/v1/cases?status=open&cause=provider_unreachable&provider=acme');
    expect(listed.body.data.map((one: { slip_id: string }) => one.slip_id)).toContain(slipId);
    expect(listed.headers.get('content-language')).toBe('en');
    expect((await world.get(service, '/v1/cases?status=open&cause=callback_lost')).body.data).toEqual([]);
    await world.others.say(gateway, [about(slipId, returned())]);
    await world.untilPublished(slipId, 'CaseClosed');
    const closed = await world.get(service, `/v1/cases/${slipId}`);
    expect(closed.body).toMatchObject({ status: 'closed', resolution: 'returned' });
    await world.others.say(ledger, [about(slipId, settled)]);
  });

  test('that its provider takes, or that succeeds, after its refund is a case for people', async () => {
    const slipId = v7();
    await begin([slipId]);
    await vouch();
    await world.untilPublished(slipId, 'InquiryRequested');
    await world.others.say(gateway, [about(slipId, answered(1, 'never_sent', true))]);
    await world.untilPublished(slipId, 'RefundRequested');
    await world.others.say(ledger, [about(slipId, refunded)]);
    await world.others.say(gateway, [about(slipId, acknowledged)]);
    const taken = await world.untilPublished(slipId, 'CaseOpened');
    expect(taken.event.data).toMatchObject({ reason: 'taken_after_denial' });
    await world.others.say(gateway, [about(slipId, returned())]);
    const closed = await world.untilPublished(slipId, 'CaseClosed');
    expect(closed.event.data).toMatchObject({ reason: 'taken_after_denial', resolution: 'returned' });
    await waitFor(() => world.of(slipId, 'CaseOpened').length === 2, { what: 'the second reason' });
    const [, paid] = world.of(slipId, 'CaseOpened');
    expect(paid!.event.data).toMatchObject({ reason: 'late_success_after_refund' });
  });
});

describe('an imported clock', () => {
  test('is judged by its own time, and concluded when it is closed', async () => {
    const clock = `import-${v7()}`;
    const on = (receivedTime: Instant) => ({ clock, receivedTime });
    const slips = { onTime: v7(), late: v7(), missed: v7(), silent: v7(), open: v7() };
    const due = (slipId: string, seconds: number) =>
      about(slipId, submitted({ mode: 'reported', provider: null, deadline: at(seconds) }), on(at(0)));
    await world.others.say(intake, [
      ...[slips.onTime, slips.late, slips.missed, slips.silent].map((slipId) => due(slipId, 10)),
      due(slips.open, 1_000),
    ]);
    await world.others.say(
      ledger,
      Object.values(slips).map((slipId) => about(slipId, held, on(at(0)))),
    );
    await world.others.say(gateway, [
      about(slips.onTime, returned({ evidence: 'report' }), on(at(10))),
      about(slips.late, returned({ evidence: 'report' }), on(at(11))),
      about(slips.silent, acknowledged, on(at(3))),
    ]);
    await world.others.vouch(intake, at(100), { clock });
    await world.others.vouch(gateway, at(100), { clock });
    await world.untilPublished(slips.missed, 'SlipOverdue');
    await world.untilPublished(slips.late, 'LateReturnFound');
    expect(types(slips.missed)).toEqual(['SlipOverdue']);
    await world.others.vouch(intake, at(100), { clock, closed: true });
    await world.others.vouch(gateway, at(100), { clock, closed: true });
    const shown = await waitFor(
      async () => {
        const { body } = await world.get(service, '/v1/watermarks');
        const found = body.clocks.find((one: { clock: string }) => one.clock === clock);
        return found?.concluded && found;
      },
      { what: 'the clock to be concluded' },
    );
    expect(shown).toEqual({
      ...{ clock, judged_through: at(100), closed: true, concluded: true },
      counts: { slips: 5, open: 1, overdue: 3, not_returned: 2 },
    });
    const diagnosed = await world.untilPublished(slips.missed, 'SlipDiagnosed');
    expect(diagnosed).toMatchObject({
      clock,
      receivedTime: at(100),
      event: { data: { cause: { code: 'no_acknowledgement' } } },
    });
    expect((await world.untilPublished(slips.silent, 'SlipDiagnosed')).event.data).toMatchObject({
      cause: { code: 'silent_after_acknowledgement' },
    });
    expect(types(slips.missed)).toEqual(['SlipOverdue', 'SlipNotReturned', 'SlipDiagnosed']);
    expect(types(slips.open)).toEqual([]);
    expect(types(slips.onTime)).toEqual([]);
    expect((await world.database.query('select 1 from open_slip where clock = $1', [clock])).rows).toEqual(
      [],
    );
  });
});

describe('the API', () => {
  test('refuses what it does not know', async () => {
    expect((await world.get(service, '/v1/cases?colour=red')).status).toBe(400);
    expect((await world.get(service, '/v1/cases?status=maybe')).status).toBe(400);
    expect((await world.get(service, '/v1/cases?cause=sistem')).body.errors).toEqual([
      { pointer: 'cause', detail: expect.stringContaining('did you mean system?') },
    ]);
    for (const value of ['%00', '', 'x'.repeat(513)]) {
      for (const name of ['cause', 'provider']) {
        expect((await world.get(service, `/v1/cases?${name}=${value}`)).body).toMatchObject({
          status: 400,
          code: 'malformed_request',
        });
      }
    }
    for (const cursor of ['nonsense', '', Buffer.from('["after","x"]').toString('base64url')]) {
      expect((await world.get(service, `/v1/cases?cursor=${cursor}`)).body).toMatchObject({
        status: 400,
        code: 'cursor_invalid',
      });
    }
    expect((await world.get(service, '/v1/cases?page_size=0')).status).toBe(400);
    expect((await world.get(service, `/v1/cases/${v7()}`)).status).toBe(404);
    expect((await world.get(service, '/v1/cases/%00')).status).toBe(404);
    expect((await world.get(service, '/v1/watermarks', 'cases:read')).status).toBe(403);
    expect((await world.get(service, '/v1/cases', 'watermarks:read')).status).toBe(403);
  });

  test('pages through cases in both directions', async () => {
    await world.database.query(
      `insert into case_file (slip_id, status, reason, summary, opened_at, provider)
       select 'page-' || n, 'open', 'test', '', now() - n * interval '1 hour', 'pager' from generate_series(1, 5) as n`,
    );
    const page = async (path: string) => (await world.get(service, path)).body;
    const ids = (body: { data: { slip_id: string }[] }) => body.data.map(({ slip_id }) => slip_id);
    const first = await page('/v1/cases?provider=pager&page_size=2');
    const second = await page(`/v1/cases?provider=pager&page_size=2&cursor=${first.next}`);
    const third = await page(`/v1/cases?provider=pager&page_size=2&cursor=${second.next}`);
    const back = await page(`/v1/cases?provider=pager&page_size=2&cursor=${second.previous}`);
    expect([ids(first), ids(second), ids(third), ids(back)]).toEqual([
      ['page-1', 'page-2'],
      ['page-3', 'page-4'],
      ['page-5'],
      ['page-1', 'page-2'],
    ]);
    expect([first.previous, third.next, back.previous]).toEqual([null, null, null]);
  });

  test('shows what was heard and how far it is judged', async () => {
    const body = await seeing();
    expect(body.sources).toContainEqual(
      expect.objectContaining({
        source: gateway,
        clock: 'wall',
        age_ms: expect.any(Number),
        marks: expect.any(Array),
      }),
    );
    const sees = { blind: false, why: null, since: null, by: null };
    expect(body.detector).toEqual({ ...sees, lag_ms: expect.any(Number) });
    // What is vouched for is judged meanwhile.
    await waitFor(
      async () => {
        const { rows } = await world.database.query(
          "select count(*)::int as open from open_slip where clock = 'wall' and verdict = 'open'",
        );
        const { clocks } = (await world.get(service, '/v1/watermarks')).body;
        const wall = clocks.find(({ clock }: { clock: string }) => clock === 'wall');
        return wall.counts.open === rows[0].open;
      },
      { what: 'the open slips to be counted' },
    );
  });

  test('says in readiness what the detector sees', async () => {
    const detector = async () => {
      await seeing();
      const answer = await fetch(`${service.url}/readyz`);
      const { checks } = (await answer.json()) as { checks: { name: string; detail?: string }[] };
      const found = checks.find(({ name }) => name === 'detector');
      return found?.detail === 'sees' ? found : null;
    };
    expect(await waitFor(detector, { what: 'it to see' })).toEqual({
      ...{ name: 'detector', ok: true, detail: 'sees' },
    });
    const metrics = await (await fetch(`${service.url}/metrics`)).text();
    expect(metrics).toMatch(/slipstream_detector_blind\{[^}]*\} 0/);
  });
});

describe('the clocks', () => {
  test('too far apart stop every verdict and make the detector blind, until they agree again', async () => {
    const slipId = v7();
    await world.others.vouch(gateway, addMs(now(), -60_000), { reading: inMs(10_000) });
    const deadline = await begin([slipId]);
    await world.others.vouch(gateway, now(), { reading: inMs(10_000) });
    await world.others.vouch(ledger, now());
    const blind = await waitFor(
      async () => {
        const { body } = await world.get(service, '/v1/watermarks');
        return body.detector.blind ? body : null;
      },
      { what: 'the detector to be blind' },
    );
    expect(blind.detector.why).toMatch(
      /^clocks lie \d+ ms apart \(1000 are allowed\): that of .*provider-gateway/,
    );
    expect(blind.sources.find((one: { source: string }) => one.source === gateway).skew_ms).toBeGreaterThan(
      9_000,
    );
    const ready = await (await fetch(`${service.url}/readyz`)).text();
    expect(ready).toContain('detector blind: clocks lie');
    expect(world.of(slipId, 'SlipOverdue')).toEqual([]);
    await waitFor(
      async () => {
        await world.others.vouch(gateway, now(), { reading: now() });
        return world.of(slipId, 'SlipOverdue').length > 0;
      },
      { intervalMs: 500, what: 'the verdict' },
    );
    const [overdue] = world.of(slipId, 'SlipOverdue');
    expect(overdue!.event.data).toMatchObject({ deadline });
  });

  test('are asked for what is awaited: the earliest deadline that is open', async () => {
    const deadline = addMs(now(), 3_600_000);
    await begin([v7()], { deadline });
    await waitFor(
      async () => {
        const { body } = await world.get(service, '/v1/watermarks');
        const own = body.sources.find((one: { source: string }) => one.source === sources.reconciliation);
        return own.awaits !== null && own.awaits <= addMs(deadline, 1_000);
      },
      { what: 'the deadline to be awaited' },
    );
  });
});

describe('two instances', () => {
  test('call each overdue slip once, while one joins and the other leaves', async () => {
    const slipIds = Array.from({ length: 600 }, () => v7());
    await begin(slipIds);
    await vouch(addMs(now(), -60_000));
    const second = world.start();
    await vouch();
    await second;
    await vouch();
    const stopped = service.stop();
    const called = () => slipIds.filter((slipId) => world.of(slipId, 'InquiryRequested').length > 0).length;
    const ticking = setInterval(() => void vouch(), 200);
    await waitFor(() => called() === slipIds.length, {
      what: 'all verdicts',
    }).finally(() => clearInterval(ticking));
    expect(await stopped).toBe(true);
    const verdicts = slipIds.flatMap((slipId) => world.of(slipId, 'SlipOverdue'));
    expect(verdicts).toHaveLength(slipIds.length);
    expect(new Set(verdicts.map(({ id }) => id)).size).toBe(slipIds.length);
    const inquiries = slipIds.map((slipId) =>
      world.of(slipId, 'InquiryRequested').map(({ event }) => event.data),
    );
    for (const asked of inquiries) {
      expect(asked).toMatchObject(asked.map((_, index) => ({ inquiry: index + 1, requestedBy: null })));
    }
  });
});
