import { describe, expect, test } from '@jest/globals';
import type { SlipEvent, StagePolicy } from '@slipstream/slip';
import {
  acknowledged,
  approved,
  at,
  doubted,
  held,
  intended,
  notSent,
  policy,
  progressed,
  returned,
  submitted,
  told,
} from '../../../test/story.ts';
import { fold, type WatchedSlip, watch } from '../watch/watched-slip.ts';
import { presentStage, tellAt } from './present-stage.ts';

const stages: StagePolicy = {
  submitted: { warnMs: 1_000, actMs: 2_000 },
  review: { warnMs: 3_000, actMs: 0 },
  held: { warnMs: 0, actMs: 3_000 },
  dispatching: { warnMs: 2_000, actMs: 4_000 },
  returned: { warnMs: 1_000, actMs: 0 },
};

/** Begun at second 0; each event a second later than the one before. */
function slipOf(
  events: readonly SlipEvent[],
  more: Parameters<typeof submitted>[0] = {},
  clock = 'wall',
): WatchedSlip {
  const first = told(submitted({ policy: { ...policy, stages }, ...more }), at(0), { clock });
  return events.reduce((slip, event, n) => fold(slip, told(event, at(n + 1), { clock })), watch(0, first)!);
}

describe('the present stage of a slip that is looked at', () => {
  const review = { reviewRequired: true };
  test.each<[string, readonly SlipEvent[], Parameters<typeof submitted>[0], string, number, number | null]>([
    ['is submitted, until the ledger answers', [], {}, 'submitted', 0, 1],
    ['is a review, until people approve it', [], review, 'review', 0, 3],
    ['is submitted from its approval on', [approved(at(20))], review, 'submitted', 1, 2],
    ['is held, until it is to be sent', [held], {}, 'held', 1, 4],
    [
      'is dispatching from the first attempt on',
      [held, intended(), notSent(), intended(2)],
      {},
      'dispatching',
      2,
      4,
    ],
    [
      'is returned from when the provider had it',
      [held, intended(), acknowledged, progressed],
      {},
      'returned',
      3,
      4,
    ],
    ['is returned from an odd word of it on', [held, intended(), doubted()], {}, 'returned', 3, 4],
    [
      'is returned from when it said how far it is',
      [held, intended(), progressed, acknowledged],
      {},
      'returned',
      3,
      4,
    ],
    ['begins where its deadline leaves no time', [held], { deadline: at(4) }, 'held', 1, null],
  ])('%s', (_, events, more, stage, since, tellSeconds) => {
    const slip = slipOf(events, more);
    expect(presentStage(slip)).toEqual({
      ...{ stage, since: at(since), told: null, limits: stages[stage as keyof StagePolicy] },
    });
    expect(tellAt(slip)).toBe(tellSeconds === null ? null : at(tellSeconds));
  });

  test.each<[string, WatchedSlip]>([
    ['has none when it returned', slipOf([held, intended(), returned()])],
    ['has none when it failed', slipOf([held, intended(), returned({ outcome: 'failed' })])],
    [
      'has none when its deadline was missed',
      slipOf([held, { type: 'SlipOverdue', data: { stage: 'returned', deadline: at(10) } }]),
    ],
    ['has none without limits', slipOf([held], { policy })],
    [
      'has none where its stage has none',
      slipOf([held], { policy: { ...policy, stages: { ...stages, held: null } } }),
    ],
    ['has none of an import', slipOf([held], {}, 'import-1')],
  ])('%s', (_, slip) => {
    expect([presentStage(slip), tellAt(slip)]).toEqual([null, null]);
  });

  test('is told of once at each point, and the next stage anew', () => {
    const late = (point: 'warn' | 'act'): SlipEvent => ({
      type: 'StageLate',
      data: {
        stage: 'dispatching',
        point,
        service: 'provider-gateway',
        since: at(2),
        limitMs: 1,
        provider: 'acme',
      },
    });
    const warned = slipOf([held, intended(), late('warn')]);
    expect([presentStage(warned)!.told, tellAt(warned)]).toEqual(['warn', at(6)]);
    const acted = fold(warned, told(late('act'), at(7)));
    expect([presentStage(acted)!.told, tellAt(acted)]).toEqual(['act', null]);
    const heard = fold(acted, told(acknowledged, at(8)));
    expect([presentStage(heard)!.told, tellAt(heard)]).toEqual([null, at(9)]);
  });
});
