import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { seededRandom } from '@slipstream/kernel';
import { waitFor } from '@slipstream/testing';
import { bootStack, peakMemory, root, slipctl, type TestStack } from './support.ts';

const olist = join(root, '../shared/data/olist');
const until = '2019-01-01T00:00:00Z';
let booted: TestStack;

beforeAll(async () => {
  booted = await bootStack({ behaviour: { failure_rate: 0 }, policies: { outcome_deadline_ms: 45_000 } });
}, 240_000);
afterAll(() => booted?.stop(), 60_000);

async function importFile(file: string, mapping: string, ...more: string[]): Promise<Map<string, string>> {
  const out = join(booted.dataDir, 'verdicts.csv');
  const args = ['import', file, '--mapping', mapping, '--until', until, '--wait', '--verdicts', out, ...more];
  await slipctl(booted.stack, args);
  const [, ...lines] = readFileSync(out, 'utf8').trim().split('\n');
  return new Map(lines.map((line) => line.split(',').slice(0, 2) as [string, string]));
}

const header =
  'order_id,customer_id,order_status,order_purchase_timestamp,order_approved_at,order_delivered_carrier_date,order_delivered_customer_date,order_estimated_delivery_date';

/** Orders of the same layout, in no order of time, each with the verdict that its own row says. */
function madeOrders(count: number, seed: number): { csv: string; verdicts: Map<string, string> } {
  const random = seededRandom(seed);
  const verdicts = new Map<string, string>();
  const time = (day: number) =>
    new Date(Date.UTC(2018, 0, 1) + Math.round(day * 86_400) * 1_000)
      .toISOString()
      .slice(0, 19)
      .replace('T', ' ');
  const rows = Array.from({ length: count }, (_, index) => {
    const bought = random.integer(0, 200);
    const deadline = bought + random.integer(5, 30);
    const fate = random.next();
    const returned =
      fate < 0.1 ? null : fate < 0.2 ? deadline + random.next() * 20 + 0.01 : deadline - random.next() * 4;
    const reference = `made-${seed}-${index}`;
    verdicts.set(
      reference,
      returned === null ? 'not_returned' : returned <= deadline ? 'returned_on_time' : 'returned_late',
    );
    const approved = random.chance(0.9) ? time(bought + 0.5) : '';
    return [
      reference,
      `customer-${index % 40}`,
      'x',
      time(bought),
      approved,
      '',
      returned === null ? '' : time(returned),
      time(deadline),
    ].join(',');
  });
  return { csv: [header, ...random.shuffle(rows)].join('\n'), verdicts };
}

/** The slip's id; undefined when the service says that it is too busy for more and when to come again, as a slow machine does. */
async function submit(reference: string): Promise<string | undefined> {
  const { INTAKE_URL, TOKEN_PUBLISHER } = booted.stack.env;
  const response = await fetch(`${INTAKE_URL}/v1/slips`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${TOKEN_PUBLISHER}`,
      ...{ 'content-type': 'application/json', 'idempotency-key': `"${reference}"` },
    },
    body: JSON.stringify({
      ...{ reference, kind: 'order', account: 'cust-1', counterparty: 'shop-7' },
      amount: { amount: '100', currency: 'EUR' },
    }),
  });
  const retryAfter = response.headers.get('retry-after');
  if (response.status === 503 && retryAfter !== null) {
    await sleep(Number(retryAfter) * 1_000);
    return undefined;
  }
  expect(response.status).toBe(202);
  return ((await response.json()) as { id: string }).id;
}

const ends = ['settled', 'refunded', 'rejected'];

/** How a live slip stands; undefined before the ledger knows of it. */
async function live(id: string): Promise<{ status: string; overdue: boolean } | undefined> {
  const { LEDGER_URL, TOKEN_OPS } = booted.stack.env;
  const response = await fetch(`${LEDGER_URL}/v1/slips/${id}`, {
    headers: { authorization: `Bearer ${TOKEN_OPS}` },
  });
  if (!response.ok) return undefined;
  const { status, overdue } = (await response.json()) as { status: string; overdue: boolean };
  return { status, overdue };
}

/** The same with a row per event, sorted by nothing that matters. */
function eventsOf(csv: string): string {
  const [, ...orders] = csv.split('\n').map((line) => line.split(','));
  const rows = orders.flatMap(([id, customer, , bought, approved, handedOver, delivered, due]) => {
    const events = { purchased: bought, approved, 'handed over': handedOver, delivered };
    return Object.entries(events).flatMap(([event, at]) =>
      at ? [[id, customer, event, at, event === 'purchased' ? due : ''].join(',')] : [],
    );
  });
  return ['order_id,customer_id,event,at,due', ...rows.toSorted().toReversed()].join('\n');
}

describe('slipctl import', () => {
  test('gives the verdict that each row says, and the same again the second time', async () => {
    const { csv, verdicts } = madeOrders(600, 7);
    const file = join(booted.dataDir, 'made.csv');
    writeFileSync(file, csv);
    const mapping = join(root, 'examples/olist.yaml');
    expect(await importFile(file, mapping)).toEqual(verdicts);
    expect(await importFile(file, mapping)).toEqual(verdicts);
  }, 300_000);

  (existsSync(olist) ? test : test.skip)(
    'gives the 4,071 verdicts of the Olist orders',
    async () => {
      const [, ...lines] = readFileSync(join(olist, 'expected.csv'), 'utf8').trim().split('\n');
      const expected = new Map(lines.map((line) => line.trim().split(',') as [string, string]));
      const mapping = join(root, 'examples/olist.yaml');
      expect(await importFile(join(olist, 'orders.csv'), mapping, '--clock', 'olist')).toEqual(expected);
      const rules = join(booted.dataDir, 'slipstream.config.yaml');
      const args = ['backtest', '--config', rules, '--was', rules, '--clock', 'olist', '--json'];
      const { routes, ...found } = JSON.parse(await slipctl(booted.stack, args));
      expect(found).toMatchObject({ verdicts_differ: 0, unknown_rules: 0, circuits: [] });
      const late = [...expected.values()].filter((verdict) => verdict !== 'returned_on_time');
      expect(routes).toMatchObject([
        { slips: expected.size, changed: 0, open: 0, was: { overdue: late.length } },
      ]);
      expect(routes[0].would).toEqual(routes[0].was);
    },
    300_000,
  );

  test('reads a row per event, and gives the same verdicts', async () => {
    const { csv, verdicts } = madeOrders(600, 11);
    const file = join(booted.dataDir, 'events.csv');
    writeFileSync(file, eventsOf(csv));
    expect(await importFile(file, join(root, 'examples/olist-events.yaml'))).toEqual(verdicts);
  }, 300_000);

  test('corrects an import by another one beside it', async () => {
    const { csv, verdicts } = madeOrders(60, 13);
    const file = join(booted.dataDir, 'corrected.csv');
    const mapping = join(root, 'examples/olist.yaml');
    // The first file lacks every answer.
    const [head, ...rows] = csv.split('\n');
    const unanswered = rows.map((row) => {
      const cells = row.split(',');
      return [...cells.slice(0, 6), '', cells[7]].join(',');
    });
    writeFileSync(file, [head, ...unanswered].join('\n'));
    const before = await importFile(file, mapping, '--clock', 'june');
    expect([...new Set(before.values())]).toEqual(['not_returned']);
    writeFileSync(file, csv);
    expect(await importFile(file, mapping, '--replace', 'june')).toEqual(verdicts);
    expect(await importFile(file, mapping, '--replace', 'june')).toEqual(verdicts);
  }, 300_000);

  test('lets no live slip wait for it', async () => {
    const { csv, verdicts } = madeOrders(3_000, 17);
    const file = join(booted.dataDir, 'many.csv');
    writeFileSync(file, csv);
    let isOver = false;
    const importing = importFile(file, join(root, 'examples/olist.yaml')).finally(() => {
      isOver = true;
    });
    const ids: string[] = [];
    const submitting = async () => {
      while (!isOver) {
        const id = await submit(`live-${ids.length}`);
        if (id) ids.push(id);
        // The load of live slips, not a wait for anything.
        await sleep(100);
      }
      return Promise.all(ids.map(live));
    };
    // Both are waited for whatever the other gives: nothing may go on behind the test.
    const [imported, atTheEnd] = await Promise.allSettled([importing, submitting()]);
    expect(imported).toEqual({ status: 'fulfilled', value: verdicts });
    expect(atTheEnd).toMatchObject({ status: 'fulfilled' });
    const ended = (atTheEnd as PromiseFulfilledResult<Awaited<ReturnType<typeof live>>[]>).value;
    expect(ids.length).toBeGreaterThan(20);
    // Slips that wait for an import are all open when it is over. How long each takes beside it is the machine's matter.
    expect(ended.filter((slip) => slip && ends.includes(slip.status)).length).toBeGreaterThan(ids.length / 2);
    for (const id of ids) {
      const slip = await waitFor(
        async () => {
          const now = await live(id);
          return now && ends.includes(now.status) ? now : undefined;
        },
        { what: `${id} to end`, intervalMs: 200 },
      );
      expect([id, slip]).toEqual([id, { status: 'settled', overdue: false }]);
    }
  }, 300_000);

  test('leaves the verdicts that a shadow of the reconciler finds in the log', async () => {
    const found = JSON.parse(
      await slipctl(booted.stack, ['reconcile', 'diff', '--json', '--timeout', '60s']),
    );
    expect(found).toMatchObject({ ok: true, set_aside: 0, differences: [] });
    expect(found.verdicts).toBeGreaterThan(50);
  });

  /** Of a service at work: its heap, as the stack sets it, and what Node takes besides. */
  const workingMiBMax = 256;

  test(`needs no more than ${workingMiBMax} MiB in any service`, () => {
    const peaks = peakMemory(booted.stack);
    console.log(JSON.stringify(peaks));
    for (const [service, mib] of Object.entries(peaks))
      expect([service, Math.max(mib, workingMiBMax)]).toEqual([service, workingMiBMax]);
  });
});
