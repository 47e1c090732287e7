import type { Instant } from '@slipstream/kernel';
import type { Api } from '../api.ts';
import type { LetterView } from './views.ts';

/** As many as a page has, and a redrive takes by their ids. */
export const pageMax = 1_000;

export interface Letters {
  readonly letters: readonly LetterView[];
  /** There are more than were asked for. */
  readonly hasMore: boolean;
}

/** The oldest first, at most so many, and of those that were set aside before a time where one is given. */
export async function readLetters(
  api: Api,
  filter: Readonly<Record<string, string | undefined>>,
  { limit, before }: { readonly limit: number; readonly before?: Instant | undefined },
): Promise<Letters> {
  const letters: LetterView[] = [];
  const query = { ...filter, page_size: String(Math.min(limit, pageMax)) };
  const isMeant = ({ failed_at }: LetterView) => before === undefined || failed_at < before;
  for await (const { data, next } of api.wholePages<LetterView>('v1/dead-letters', query)) {
    const meant = data.filter(isMeant);
    const taken = meant.slice(0, limit - letters.length);
    letters.push(...taken);
    // They come by their ids, which are given in the order of time.
    if (meant.length < data.length) return { letters, hasMore: taken.length < meant.length };
    if (letters.length >= limit) return { letters, hasMore: next !== null || taken.length < meant.length };
  }
  return { letters, hasMore: false };
}
