import { expect, it } from '@jest/globals';
import type { SlipEvent } from '@slipstream/slip';
import { at, recordedAs, returned, submitted } from '../../../test/builders.ts';
import { fold } from './follow.ts';
import { tagsOf } from './tags.ts';

const details = (metadata: Readonly<Record<string, string>>) => ({
  clear: { text: '', metadata },
  sealed: null,
});

/** What each event of a life tells, the life folded on the way. */
function tagsAlong(...events: readonly SlipEvent[]) {
  let state: ReturnType<typeof fold> = null;
  return events.map((event, n) => {
    const before = state;
    state = fold(before, recordedAs(event, n + 1));
    return tagsOf(before, event, state).map(({ name, value }) => `${name}=${value}`);
  });
}

const acknowledged = (providerReference: string | null): SlipEvent => ({
  type: 'SlipAcknowledged',
  data: { provider: 'acme', providerReference, evidence: 'synchronous_reply', providerTime: null },
});

it('a slip is tagged by what its submitter wrote beside it, key by key', () => {
  const slip = submitted() as Extract<SlipEvent, { type: 'SlipSubmitted' }>;
  const written: SlipEvent = {
    ...slip,
    data: { ...slip.data, details: details({ order_no: '7', 'a.b': 'x' }) },
  };
  expect(tagsAlong(written)).toEqual([['metadata.order_no=7', 'metadata.a.b=x']]);
});

it('a draft that is confirmed makes its tags once', () => {
  const slip = submitted() as Extract<SlipEvent, { type: 'SlipSubmitted' }>;
  const written = details({ order_no: '7' });
  const { caller, reference, kind, account, counterparty, amount, route } = slip.data;
  const draft: SlipEvent = {
    type: 'SlipDrafted',
    data: {
      ...{ caller, reference, kind, account, counterparty, amount, route, details: written },
      ...{ remindAt: null, expiresAt: at(600), configDigest: '', deadline: null },
    },
  };
  const confirmed: SlipEvent = { ...slip, data: { ...slip.data, details: written } };
  expect(tagsAlong(draft, confirmed)).toEqual([['metadata.order_no=7'], []]);
});

it('nothing that is sealed makes a tag', () => {
  const slip = submitted() as Extract<SlipEvent, { type: 'SlipSubmitted' }>;
  const sealed = { keyRef: 'k-1', ciphertext: new Uint8Array([1, 2]) };
  const hidden: SlipEvent = { ...slip, data: { ...slip.data, details: { clear: null, sealed } } };
  expect(tagsAlong(hidden, submitted())).toEqual([[], []]);
});

it('the reference of the provider that the slip shows makes one where it is first known, and none that comes later', () => {
  expect(
    tagsAlong(
      submitted(),
      acknowledged(null),
      acknowledged('p-1'),
      returned('succeeded', { providerReference: 'p-2' }),
      returned('succeeded', { providerReference: 'p-3' }),
    ),
  ).toEqual([[], [], [], ['provider_reference=p-2'], []]);
  const again = returned('succeeded', { providerReference: 'p-1' });
  expect(tagsAlong(submitted(), acknowledged('p-1'), again)).toEqual([[], ['provider_reference=p-1'], []]);
});
