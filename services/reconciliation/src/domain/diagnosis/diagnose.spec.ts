import { describe, expect, test } from '@jest/globals';
import { type CauseCode, causes, type RecordedEvent, type RefusedCallbacks } from '@slipstream/slip';
import {
  acknowledged,
  answered,
  at,
  held,
  intended,
  notSent,
  progressed,
  refused,
  returned,
  Story,
  submitted,
  told,
  unanswered,
} from '../../../test/story.ts';
import { diagnose } from './diagnose.ts';

const start: [RecordedEvent, RecordedEvent] = [told(submitted(), at(0)), told(held, at(1))];
const call: [RecordedEvent, ...RecordedEvent[]] = [...start, told(intended(), at(2))];
const reported: [RecordedEvent, ...RecordedEvent[]] = [
  told(submitted({ mode: 'reported', provider: null }), at(0)),
  told(held, at(1)),
];
const imported = reported.map((event) => ({ ...event, clock: 'import-1' })) as typeof reported;
const asked = (evidence: 'inquiry_answer' | 'signed_callback' | 'synchronous_reply' = 'inquiry_answer') =>
  told(returned({ evidence }), at(15));

type Refused = Pick<RefusedCallbacks, 'refused' | 'accepted'> & Partial<RefusedCallbacks>;

/** What the gateway said of callbacks that it refused; each about another slip, if nothing is said of that. */
function refusedWhile(event: RecordedEvent, counts: Refused): RecordedEvent {
  const callbacksRefused = { since: at(4), until: at(9), slips: Math.min(counts.refused, 8), ...counts };
  return {
    ...event,
    event: { ...event.event, data: { ...event.event.data, callbacksRefused } },
  } as RecordedEvent;
}
const whenAsked = (counts: Refused) => refusedWhile(asked(), counts);
const byItself = told(returned({ evidence: 'signed_callback' }), at(16));

/** What happened before the deadline and after it, and the cause it shows. */
const table: readonly [
  string,
  readonly [RecordedEvent, ...RecordedEvent[]],
  readonly RecordedEvent[],
  CauseCode,
][] = [
  ['reply late', call, [asked('synchronous_reply')], 'provider_slow'],
  ['callback late', [...call, told(acknowledged, at(3))], [asked('signed_callback')], 'provider_slow'],
  [
    'callback never came',
    [...call, told(acknowledged, at(3))],
    [told(answered(1, 'returned'), at(14)), asked()],
    'callback_lost',
  ],
  [
    'callbacks that we refused',
    [...call, told(acknowledged, at(3))],
    [told(answered(1, 'returned'), at(14)), whenAsked({ refused: 10, accepted: 1 })],
    'callback_signature_refused',
  ],
  [
    'forged callbacks beside good ones',
    [...call, told(acknowledged, at(3))],
    [told(answered(1, 'returned'), at(14)), whenAsked({ refused: 9, accepted: 1 })],
    'callback_lost',
  ],
  [
    'a callback that we refused, and took when the secret was put right',
    [...call, told(acknowledged, at(3))],
    [refusedWhile(told(answered(1, 'no_answer'), at(14)), { refused: 2, accepted: 0 }), byItself],
    'callback_signature_refused',
  ],
  [
    'callbacks that we refused, and no answer to any question',
    [...call, told(acknowledged, at(3))],
    [refusedWhile(told(answered(1, 'no_answer'), at(14)), { refused: 3, accepted: 0 })],
    'callback_signature_refused',
  ],
  [
    'one forged callback, and none accepted beside it',
    [...call, told(acknowledged, at(3))],
    [told(answered(1, 'returned'), at(14)), whenAsked({ refused: 1, accepted: 0 })],
    'callback_lost',
  ],
  [
    'a stranger who knows one slip, and sends many',
    [...call, told(acknowledged, at(3))],
    [told(answered(1, 'returned'), at(14)), whenAsked({ refused: 500, accepted: 0, slips: 1 })],
    'callback_lost',
  ],
  [
    'a stranger who knows one slip, and sends many, when nobody answers a question',
    [...call, told(acknowledged, at(3))],
    [refusedWhile(told(answered(1, 'no_answer'), at(14)), { refused: 500, accepted: 0, slips: 1 })],
    'silent_after_acknowledgement',
  ],
  [
    'callbacks about one slip that keep coming',
    [...call, told(acknowledged, at(3))],
    [whenAsked({ refused: 3, accepted: 0, slips: 1, until: at(4 + 180) })],
    'callback_signature_refused',
  ],
  [
    'callbacks about one slip that keep coming beside one that is accepted',
    [...call, told(acknowledged, at(3))],
    [whenAsked({ refused: 30, accepted: 1, slips: 1, until: at(4 + 180) })],
    'callback_lost',
  ],
  [
    'two callbacks about one slip, minutes apart',
    [...call, told(acknowledged, at(3))],
    [whenAsked({ refused: 2, accepted: 0, slips: 1, until: at(4 + 180) })],
    'callback_lost',
  ],
  [
    'callbacks that a release before refused, which told no slips apart',
    [...call, told(acknowledged, at(3))],
    [whenAsked({ refused: 40, accepted: 0, slips: 0 })],
    'callback_lost',
  ],
  [
    'a reply that was lost, while callbacks were refused',
    [...call, told(unanswered('timeout'), at(4))],
    [whenAsked({ refused: 10, accepted: 0 })],
    'reply_lost',
  ],
  [
    'pending to the end, while callbacks of other slips were refused',
    [...call, told(acknowledged, at(3))],
    [refusedWhile(told(answered(1, 'pending'), at(14)), { refused: 3, accepted: 0 })],
    'provider_pending',
  ],
  [
    'done, reply lost',
    [...call, told(unanswered('timeout'), at(4))],
    [told(answered(1, 'returned'), at(14)), asked()],
    'reply_lost',
  ],
  ['done, connection lost', [...call, told(unanswered('connection_lost'), at(4))], [asked()], 'reply_lost'],
  ['done, then an error', [...call, told(unanswered('server_error'), at(4))], [asked()], 'provider_error'],
  [
    'done, but told to come later',
    [...call, told(unanswered('throttled'), at(4))],
    [asked()],
    'provider_busy',
  ],
  ['done, answered garbage', [...call, told(unanswered('garbage'), at(4))], [asked()], 'garbage_answer'],
  ['done, we restarted', [...call, told(unanswered('restart'), at(4))], [asked()], 'gateway_interrupted'],
  [
    'done, we wrote nothing down',
    [...call, told(unanswered('not_recorded'), at(4))],
    [asked()],
    'gateway_interrupted',
  ],
  [
    'sent late after an outage',
    [...start, told(intended(1), at(2)), told(notSent(), at(3)), told(intended(2), at(8))],
    [asked('signed_callback')],
    'provider_refused',
  ],
  [
    'one early refused connection',
    [...start, told(intended(1), at(1)), told(notSent(), at(1.1)), told(intended(2), at(1.5))],
    [asked('signed_callback')],
    'provider_slow',
  ],
  ['held late', [told(submitted(), at(0))], [told(held, at(11)), asked('signed_callback')], 'hold_late'],
  ['refused late', [told(submitted(), at(0))], [told(refused, at(11))], 'hold_late'],
  [
    'request lost',
    [...call, told(unanswered('timeout'), at(4))],
    [told(answered(1, 'not_found', true), at(14))],
    'request_lost',
  ],
  [
    'error before the work',
    [...call, told(unanswered('server_error'), at(4))],
    [told(answered(1, 'not_found', true), at(14))],
    'provider_error',
  ],
  [
    'told to come later',
    [...call, told(unanswered('throttled'), at(4))],
    [told(answered(1, 'not_found', true), at(14))],
    'provider_busy',
  ],
  [
    'redirected',
    [...call, told(unanswered('redirect'), at(4))],
    [told(answered(1, 'not_found', true), at(14))],
    'provider_moved',
  ],
  [
    'interrupted before sending',
    [...call, told(unanswered('restart'), at(4))],
    [told(answered(1, 'not_found', true), at(14))],
    'gateway_interrupted',
  ],
  [
    'acknowledged and forgotten',
    [...call, told(acknowledged, at(3))],
    [told(answered(1, 'not_found'), at(14)), told(answered(2, 'not_found'), at(18))],
    'provider_dropped',
  ],
  [
    'outage until the end',
    [...call, told(notSent(), at(4))],
    [told(answered(1, 'never_sent', true), at(14))],
    'provider_refused',
  ],
  [
    'no way to the provider until the end',
    [...call, told(notSent('connection_failed'), at(4))],
    [told(answered(1, 'never_sent', true), at(14))],
    'provider_unreachable',
  ],
  [
    'an address that nobody knows',
    [...call, told(notSent('name_not_found'), at(4))],
    [told(answered(1, 'never_sent', true), at(14))],
    'provider_address_wrong',
  ],
  [
    'an address that nobody knows, and then nobody was there to ask',
    [
      ...call,
      told(notSent('name_not_found', 1), at(4)),
      told(intended(2), at(5)),
      told(notSent('connection_failed', 2), at(6)),
    ],
    [told(answered(1, 'never_sent', true), at(14))],
    'provider_address_wrong',
  ],
  [
    'refused after it could not be reached',
    [
      ...call,
      told(notSent('connection_failed', 1), at(4)),
      told(intended(2), at(5)),
      told(notSent('connection_refused', 2), at(6)),
    ],
    [told(answered(1, 'never_sent', true), at(14))],
    'provider_refused',
  ],
  [
    'our intents did not reach the topic',
    [...call, told(notSent('not_published'), at(4))],
    [told(answered(1, 'never_sent', true), at(14))],
    'never_dispatched',
  ],
  ['never passed on', start, [told(answered(1, 'never_sent', true), at(14))], 'never_dispatched'],
  [
    'never passed on, for our own sake',
    start,
    [told(answered(1, 'never_sent', true, 'ourselves'), at(14))],
    'never_dispatched',
  ],
  [
    'never passed on, for nobody could be called',
    start,
    [told(answered(1, 'never_sent', true, 'provider'), at(14))],
    'provider_unreachable',
  ],
  ['never held', [told(submitted(), at(0))], [told(answered(1, 'never_sent', true), at(14))], 'hold_late'],
  [
    'pending to the end',
    [...call, told(acknowledged, at(3))],
    [told(answered(1, 'pending'), at(14))],
    'provider_pending',
  ],
  [
    'cannot be asked',
    [...call, told(unanswered(), at(4))],
    [told(answered(1, 'no_answer'), at(14))],
    'provider_unreachable',
  ],
  [
    'taken, and then no answer to any question',
    [...call, told(acknowledged, at(3))],
    [told(answered(1, 'no_answer'), at(14))],
    'silent_after_acknowledgement',
  ],
  [
    'not found without a bound',
    [...call, told(unanswered(), at(4))],
    [told(answered(1, 'not_found'), at(14))],
    'request_lost',
  ],
  [
    'not found, and how the call ended nobody knows',
    call,
    [told(answered(1, 'not_found'), at(14))],
    'undetermined',
  ],
  ['not asked yet', [...call, told(unanswered(), at(4))], [], 'undetermined'],
  ['acknowledged, then silent', [...call, told(acknowledged, at(3))], [], 'silent_after_acknowledgement'],
  ['nobody reported', reported, [], 'no_report'],
  ['reported late', reported, [told(returned({ evidence: 'report' }), at(15))], 'provider_slow'],
  ['import, never acknowledged', imported, [], 'no_acknowledgement'],
  [
    'import, acknowledged',
    [...imported, { ...told(acknowledged, at(3)), clock: 'import-1' }],
    [],
    'silent_after_acknowledgement',
  ],
  [
    'import, under way',
    [...imported, { ...told(progressed, at(3)), clock: 'import-1' }],
    [],
    'silent_after_progress',
  ],
];

describe('the cause of a missed deadline', () => {
  test.each(table)('%s', (_, before, after, code) => {
    const story = new Story(...before).judge(at(10.1)).tell(...after);
    const cause = diagnose(story.known);
    expect(cause).toMatchObject({ code, class: causes[code].class });
    expect(cause.evidence[0]).toMatch(/^overdue/);
    const known = [...story.decided, ...before, ...after].map(({ id }) => id);
    for (const id of cause.evidence) expect(known).toContain(id);
  });

  test('is said with less confidence where a callback was refused that may have been it', () => {
    const sure = (...after: RecordedEvent[]) =>
      diagnose(new Story(...call, told(acknowledged, at(3))).judge(at(10.1)).tell(...after).known).confidence;
    expect(sure(asked())).toBe(90);
    expect(sure(whenAsked({ refused: 1, accepted: 0 }))).toBe(60);
  });

  test('is found again by the version of the rules that found it', () => {
    const story = new Story(...call, told(unanswered(), at(4))).judge(at(10.1));
    const { known } = story.tell(told(answered(1, 'not_found'), at(14)));
    for (const rules of [2, 3])
      expect(diagnose(known, rules)).toMatchObject({ code: 'undetermined', confidence: 40 });
    expect(diagnose(known)).toMatchObject({ code: 'request_lost', confidence: 40 });
    // It is a guess at the cause, and no proof: nobody is told that the order may be repeated.
    expect(diagnose(known).remedy).toBe(
      diagnose(known, 2).remedy.replace(
        /(?<=executed it\.).*/,
        ' Look for dropped connections to the provider.',
      ),
    );
    const one = [told(answered(1, 'returned'), at(14)), whenAsked({ refused: 1, accepted: 0 })];
    const refused = new Story(...call, told(acknowledged, at(3))).judge(at(10.1)).tell(...one).known;
    expect([2, 3].map((rules) => diagnose(refused, rules).code)).toEqual([
      'callback_signature_refused',
      'callback_lost',
    ]);
  });

  test('is no surer than it can be', () => {
    for (const [, before, after] of table) {
      const { confidence } = diagnose(new Story(...before).tell(...after).known);
      expect(confidence).toBeGreaterThanOrEqual(0);
      expect(confidence).toBeLessThanOrEqual(95);
    }
  });
});
