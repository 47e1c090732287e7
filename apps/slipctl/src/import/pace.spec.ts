import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Api } from '../api.ts';
import { serve } from '../spec-support.ts';
import { watchedPace } from './pace.ts';

const day = (date: number) => `2018-01-0${date}T00:00:00.000000Z`;

let judged: string | null;
let lagMs: number;
let asked: number;
let service: Awaited<ReturnType<typeof serve>>;

beforeEach(async () => {
  [judged, lagMs, asked] = [null, 0, 0];
  service = await serve(() => {
    asked++;
    const clocks = [{ clock: 'c', judged_through: judged }];
    return { body: { clocks, detector: { blind: lagMs > 1_000, lag_ms: lagMs, by: 'ledger' } } };
  });
});
afterEach(() => service.stop());

function pace(nowMs = () => performance.now()) {
  const api = new Api({ name: 'reconciliation', url: service.url, token: 'good', timeoutMs: 5_000 });
  return watchedPace(api, { clock: 'c', nowMs, messagesInFlightMax: 100 });
}

/** Whether it still waits after a few looks. */
async function waits(going: Promise<void>): Promise<boolean> {
  const from = asked;
  let ended = false;
  void going.then(() => {
    ended = true;
  });
  while (!ended && asked < from + 3) await new Promise((resolve) => setTimeout(resolve, 10));
  return !ended;
}

describe('the pace of an import', () => {
  it('leaves no more messages under way than live slips can wait for', async () => {
    const paced = pace();
    await paced.sent(60, day(1));
    const second = paced.sent(60, day(2));
    expect(await waits(second)).toBe(true);
    judged = day(1);
    await second;
  });

  it('stops while live slips are not seen in time, whatever is under way', async () => {
    lagMs = 5_000;
    const first = pace().sent(1, day(1));
    expect(await waits(first)).toBe(true);
    lagMs = 10;
    await first;
  });

  it('ends, and says because of whom, when that does not pass', async () => {
    lagMs = 5_000;
    let nowMs = 0;
    const sending = pace(() => {
      nowMs += 20_000;
      return nowMs;
    }).sent(1, day(1));
    await expect(sending).rejects.toMatchObject({
      exitCode: 4,
      message: expect.stringContaining('live slips are judged 5000 ms late because of ledger'),
    });
  });
});
