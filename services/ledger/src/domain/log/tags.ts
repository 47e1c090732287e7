import type { SlipEvent, SlipState } from '@slipstream/slip';

/** What a slip can be found by although its row does not tell it. */
export interface Tag {
  readonly name: string;
  readonly value: string;
}

export const providerReferenceTag = 'provider_reference';
export const metadataTag = (key: string): string => `metadata.${key}`;

/** A tag where the log has the event that told it. */
export interface LoggedTag extends Tag {
  readonly partition: number;
  readonly offset: number;
}

/**
 * What an event told of a slip that was not known before it. Whoever finds a slip by a tag looks at the slip before it is shown: one tag too
 * many does no harm, one too few hides a slip. Most events tell none.
 */
export function tagsOf(before: SlipState | null, event: SlipEvent, after: SlipState | null): readonly Tag[] {
  if (event.type === 'SlipSubmitted' || event.type === 'SlipDrafted') {
    // A draft that was confirmed says again what it said.
    if (event.type === 'SlipSubmitted' && (before?.draftedAt ?? null) !== null) return none;
    const metadata = event.data.details?.clear?.metadata;
    if (metadata === undefined) return none;
    return Object.entries(metadata).map(([key, value]) => ({ name: metadataTag(key), value }));
  }
  const reference = after?.providerReference ?? null;
  if (reference === null || reference === (before?.providerReference ?? null)) return none;
  return [{ name: providerReferenceTag, value: reference }];
}

const none: readonly Tag[] = [];
