import { describe, expect, test } from '@jest/globals';
import { type CauseCode, causes, type RecordedEvent } from '@slipstream/slip';
import {
  acknowledged,
  answered,
  at,
  held,
  intended,
  notSent,
  refused,
  returned,
  Story,
  submitted,
  told,
  unanswered,
} from '../../../test/story.ts';
import type { Allowance } from '../../application/allowance.ts';
import type { Owner } from '../deadline/marks.ts';
import { isOwnTrouble } from '../repair/own-trouble.ts';
import { diagnose } from './diagnose.ts';
import type { Stall } from './stalls.ts';

const stall = (service: Owner, from: number, until: number): Stall => ({
  ...{ service, from: at(from), until: at(until) },
});
const everybody = (from: number, until: number) =>
  (['intake', 'ledger', 'gateway'] as const).map((service) => stall(service, from, until));

type Told = readonly [RecordedEvent, ...RecordedEvent[]];
const start: Told = [told(submitted(), at(0)), told(held, at(1))];
const call: Told = [...start, told(intended(), at(2))];
const byItself = (
  seconds: number,
  evidence: 'signed_callback' | 'synchronous_reply' | 'report' = 'signed_callback',
) => told(returned({ evidence }), at(seconds));
const whenAsked = told(returned({ evidence: 'inquiry_answer' }), at(15));
const whenRefused = told(
  returned({
    evidence: 'inquiry_answer',
    callbacksRefused: { refused: 4, accepted: 0, slips: 3, since: at(3), until: at(14) },
  }),
  at(15),
);
const denied = told(answered(1, 'not_found', true), at(14));
const neverSent = told(answered(1, 'never_sent', true, 'ourselves'), at(14));

/** Whose deadline is at 10: the stalls, what happened, and the cause that it shows. */
const table: readonly [string, readonly Stall[], Told, CauseCode][] = [
  // Without the stall it would have been in time.
  [
    'a callback while the gateway stood still',
    [stall('gateway', 5, 12)],
    [...call, byItself(12)],
    'gateway_stalled',
  ],
  [
    'a reply to a gateway that stood still',
    [stall('gateway', 3, 11)],
    [...call, byItself(11, 'synchronous_reply')],
    'gateway_stalled',
  ],
  [
    'sent late by a gateway that stood still',
    [stall('gateway', 1, 8)],
    [...start, told(intended(), at(8.1)), byItself(11)],
    'gateway_stalled',
  ],
  [
    'held late by a ledger that stood still, and sent late',
    [stall('ledger', 0.5, 8)],
    [told(submitted(), at(0)), told(held, at(8)), told(intended(), at(8.1)), byItself(11)],
    'ledger_stalled',
  ],
  [
    'short stalls that add up',
    [stall('ledger', 0, 3), stall('gateway', 5, 8)],
    [...call, byItself(13.9)],
    'gateway_stalled',
  ],
  ['silent at one time, all of them', everybody(3, 9), [...call, byItself(12)], 'services_stalled'],
  // With it or without.
  [
    'a provider far too slow, beside a stall',
    [stall('gateway', 5, 9)],
    [...call, byItself(15)],
    'provider_slow',
  ],
  [
    'two stalls at one time count once',
    [stall('ledger', 1, 2), stall('gateway', 1, 2)],
    [...call, byItself(11.5)],
    'provider_slow',
  ],
  [
    'a stall of a service that the slip did not wait for',
    [stall('ledger', 3, 9)],
    [...call, byItself(11)],
    'provider_slow',
  ],
  ['a stall that ended before', [stall('gateway', -9, 0)], [...call, byItself(11)], 'provider_slow'],
  [
    'a stall that began after the deadline',
    [stall('gateway', 10, 20)],
    [...call, byItself(20)],
    'provider_slow',
  ],
  // Nobody heard what may have been said.
  [
    'a call during which the gateway stood still',
    [stall('gateway', 2, 9)],
    [...call, told(unanswered(), at(9)), whenAsked],
    'gateway_stalled',
  ],
  [
    'such a call, of which the provider knows nothing',
    [stall('gateway', 2, 9)],
    [...call, told(unanswered(), at(9)), denied],
    'gateway_stalled',
  ],
  [
    'a call that had ended before',
    [stall('gateway', 5, 9)],
    [...call, told(unanswered(), at(4)), whenAsked],
    'reply_lost',
  ],
  [
    'a request lost before the stall',
    [stall('gateway', 5, 9)],
    [...call, told(unanswered(), at(4)), denied],
    'request_lost',
  ],
  [
    'a callback that came to nobody',
    [stall('gateway', 4, 9)],
    [...call, told(acknowledged, at(3)), whenAsked],
    'gateway_stalled',
  ],
  [
    'a callback that never came, though the gateway was there again in time to take it',
    [stall('gateway', 4, 7)],
    [...call, told(acknowledged, at(3)), whenAsked],
    'callback_lost',
  ],
  [
    'a callback that never came to a gateway that was away when the time was over',
    [stall('gateway', 6.9, 9.1)],
    [...call, told(acknowledged, at(3)), whenAsked],
    'gateway_stalled',
  ],
  [
    'such a callback, when it was said again behind the stall and the deadline',
    [stall('gateway', 4, 7)],
    [...call, told(acknowledged, at(3)), whenAsked, byItself(20)],
    'gateway_stalled',
  ],
  [
    'callbacks that we refused, and a stall that they would have met, too',
    [stall('gateway', 4, 9.5)],
    [...call, told(acknowledged, at(3)), whenRefused],
    'callback_signature_refused',
  ],
  [
    'a callback that had no time left to come',
    [stall('ledger', 0, 8)],
    [
      told(submitted(), at(0)),
      told(held, at(8)),
      told(intended(), at(8.1)),
      told(acknowledged, at(9)),
      whenAsked,
    ],
    'ledger_stalled',
  ],
  [
    'a callback that was lost long after a stall',
    [stall('ledger', 0, 2)],
    [...call, told(acknowledged, at(3)), whenAsked],
    'callback_lost',
  ],
  // What was proved or said stands.
  [
    'an error of the provider',
    [stall('gateway', 2, 9)],
    [...call, told(unanswered('server_error'), at(9)), whenAsked],
    'provider_error',
  ],
  [
    'too many requests',
    [stall('gateway', 2, 9)],
    [...call, told(unanswered('throttled'), at(9)), denied],
    'provider_busy',
  ],
  [
    'a redirect',
    [stall('gateway', 2, 9)],
    [...call, told(unanswered('redirect'), at(9)), denied],
    'provider_moved',
  ],
  [
    'garbage',
    [stall('gateway', 2, 9)],
    [...call, told(unanswered('garbage'), at(9)), whenAsked],
    'garbage_answer',
  ],
  [
    'a rejection',
    [stall('gateway', 2, 9)],
    [...call, told(returned({ outcome: 'failed', reason: 'AC04' }), at(12))],
    'rejected_for_payer',
  ],
  [
    'refused connections',
    [stall('gateway', 2, 9)],
    [...start, told(intended(), at(2)), told(notSent(), at(9)), neverSent],
    'provider_refused',
  ],
  [
    'our restart',
    [stall('gateway', 2, 9)],
    [...call, told(unanswered('restart'), at(9)), whenAsked],
    'gateway_interrupted',
  ],
  // What is ours anyway, by its name.
  ['never held', [stall('intake', 0, 12)], [told(submitted(), at(0)), neverSent], 'intake_stalled'],
  [
    'refused late',
    [stall('ledger', 1, 11)],
    [told(submitted(), at(0)), told(refused, at(11))],
    'ledger_stalled',
  ],
  ['never sent', [stall('gateway', 2, 12)], [...start, neverSent], 'gateway_stalled'],
  ['never sent while all were silent', everybody(2, 12), [...start, neverSent], 'services_stalled'],
];

const reported: Told = [told(submitted({ mode: 'reported', provider: null }), at(0)), told(held, at(1))];

describe('beside a stall of ours the cause is', () => {
  test.each(table)('%s', (_, stalls, [first, ...rest], code) => {
    const refunds: boolean[] = [];
    const allowance: Allowance = {
      take({ isOwnTrouble }) {
        refunds.push(isOwnTrouble);
        return null;
      },
    };
    const story = new Story(first).stalled(...stalls).within(allowance);
    for (const one of rest.filter(({ time }) => time <= at(10.1))) story.tell(one);
    story.judge(at(10.1)).tell(...rest.filter(({ time }) => time > at(10.1)));
    expect(diagnose(story.known)).toMatchObject({ code, class: causes[code].class });
    expect(isOwnTrouble(story.known)).toBe(causes[code].class === 'system');
    for (const isOwn of refunds) expect(isOwn).toBe(causes[code].class === 'system');
    // A refused hold ends the slip: nothing is decided about it any more.
    const said = story.decided.filter(({ event }) => event.type === 'SlipDiagnosed').at(-1);
    if (story.slip.state.rejection === null) expect(said?.event.data).toMatchObject({ cause: { code } });
  });

  test('is found again by the version of the rules that found it', () => {
    const story = (returned: RecordedEvent, ...stalls: Stall[]) =>
      new Story(...call, told(acknowledged, at(3)))
        .stalled(...stalls)
        .judge(at(10.1))
        .tell(returned).known;
    const short = story(whenAsked, stall('gateway', 4, 7));
    const refused = story(whenRefused, stall('gateway', 4, 9.5));
    const found = (rules: number) => [short, refused].map((known) => diagnose(known, rules).code);
    expect(found(4)).toEqual(['gateway_stalled', 'gateway_stalled']);
    expect(found(5)).toEqual(['callback_lost', 'callback_signature_refused']);
  });

  test('a report that the gateway could not take', () => {
    const story = new Story(...reported)
      .stalled(stall('gateway', 3, 12))
      .judge(at(12))
      .tell(byItself(12, 'report'));
    expect(diagnose(story.known).code).toBe('gateway_stalled');
  });

  test('none of ours for a slip of an import: it knows no wall clock', () => {
    const [first, ...rest] = [...reported, byItself(12, 'report')].map((event) => ({
      ...event,
      clock: 'import-1',
    }));
    const story = new Story(first!).stalled(stall('gateway', 3, 12)).tell(...rest);
    expect(diagnose(story.known).code).toBe('provider_slow');
  });
});
