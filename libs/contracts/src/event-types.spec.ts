import { describe, expect, it } from '@jest/globals';
import { cloudEventType, isOwnSource, mayPublish, ownedTypes, typeProblem } from './event-types.ts';
import { opsCloudEventType } from './ops-event-types.ts';
import { sources } from './sources.ts';

const publishers = (type: string) => Object.values(sources).filter((source) => mayPublish(source, type));

describe('who may publish what', () => {
  it('is one source for every type that is known', () => {
    for (const type of ownedTypes) expect([type, publishers(type).length]).toEqual([type, 1]);
  });

  it.each([
    [cloudEventType('SlipSubmitted'), sources.intake],
    [cloudEventType('SlipReturned'), sources.gateway],
    [cloudEventType('SlipSettled'), sources.ledger],
    [cloudEventType('SlipOverdue'), sources.reconciliation],
    ['slipstream.slip.review_requested.v1', sources.intake],
    ['slipstream.slip.hold_released.v1', sources.ledger],
    ['slipstream.slip.break_opened.v1', sources.reconciliation],
    ['slipstream.slip.customer_notified.v1', sources.notification],
    [opsCloudEventType('AccountStatusChanged'), sources.intake],
    ['slipstream.ops.provider_disabled.v1', sources.gateway],
    ['slipstream.ops.incident_opened.v1', sources.reconciliation],
  ])('%s: %s alone', (type, source) => expect(publishers(type)).toEqual([source]));

  it('is each of ours where it speaks of itself', () => {
    expect(publishers(opsCloudEventType('ConfigApplied'))).toEqual(Object.values(sources));
  });

  it('is any of ours for a type of a release to come, and never somebody else', () => {
    const later = 'slipstream.slip.of_a_later_release.v1';
    expect(publishers(later)).toEqual(Object.values(sources));
    for (const stranger of ['/somebody/unknown', '', '/slipstream/intake2', 'constructor']) {
      expect(isOwnSource(stranger)).toBe(false);
      expect(mayPublish(stranger, later)).toBe(false);
      expect(mayPublish(stranger, cloudEventType('SlipReturned'))).toBe(false);
    }
  });
});

describe('a type that somebody asks for', () => {
  it.each([
    ['SlipRetruned', 'did you mean slipstream.slip.returned.v1?'],
    ['SlipReturned', 'did you mean slipstream.slip.returned.v1?'],
    ['slipstream.slip.retruned.v1', 'did you mean slipstream.slip.returned.v1?'],
    ['slipstream.slip.returned.v2', 'did you mean slipstream.slip.returned.v1?'],
    ['nothing', 'one is slipstream.slip.returned.v1'],
  ])('%s is none: %s', (type, hint) => {
    expect(typeProblem(type)).toBe(`there is no type ${type}; ${hint}`);
  });

  it('is there when it has an owner', () => {
    for (const type of ownedTypes) expect(typeProblem(type)).toBeNull();
  });
});
