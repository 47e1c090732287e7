/**
 * The language that a request prefers among those that there are (RFC 9110 section 12.5.4): by the first part of the tag, so
 * `zh-CN` gets `zh`. Who asks for nothing that there is gets the first.
 */
export function preferredLanguage<const Language extends string>(
  header: string | undefined,
  offered: readonly [Language, ...Language[]],
): Language {
  const wishes = (header ?? '').toLowerCase().split(',', wishesMax).map(wish);
  const best = wishes
    .filter(({ quality }) => quality > 0)
    .toSorted((a, b) => b.quality - a.quality)
    .flatMap(({ tag }) => offered.filter((one) => tag === '*' || tag === one || tag.startsWith(`${one}-`)));
  return best[0] ?? offered[0];
}

const wishesMax = 20;

function wish(text: string): { readonly tag: string; readonly quality: number } {
  const [tag = '', ...parameters] = text.split(';').map((part) => part.trim());
  const q = parameters.find((one) => one.startsWith('q='))?.slice(2);
  const quality = q === undefined ? 1 : Number(q);
  return { tag, quality: quality >= 0 && quality <= 1 ? quality : 0 };
}
