interface Range {
  readonly type: string;
  readonly quality: number;
}

/**
 * Which of `offers` the header asks for most (RFC 9110 section 12.5.1); null: none of them. The first offer where the header is
 * absent, and of those that are asked for alike. Parameters of media types make no difference.
 * @param any the word that stands for every offer
 */
export function preferred<Offer extends string>(
  header: string | undefined,
  offers: readonly Offer[],
  any = '*/*',
): Offer | null {
  if (header === undefined || header.trim() === '') return offers[0] ?? null;
  const ranges = header.split(',').map(toRange);
  let best: { offer: Offer; quality: number } | null = null;
  for (const offer of offers) {
    const quality = qualityOf(offer, ranges, any);
    if (quality > (best?.quality ?? 0)) best = { offer, quality };
  }
  return best?.offer ?? null;
}

function toRange(text: string): Range {
  const [type = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase());
  const weight = parameters.find((parameter) => parameter.startsWith('q='));
  const quality = weight === undefined ? 1 : Number(weight.slice(2));
  return { type, quality: quality >= 0 && quality <= 1 ? quality : 0 };
}

/** The most exact of the ranges decides, whatever the others say. */
function qualityOf(offer: string, ranges: readonly Range[], any: string): number {
  const group = `${offer.split('/', 1)[0]}/*`;
  for (const type of [offer, group, any]) {
    const range = ranges.find((candidate) => candidate.type === type);
    if (range !== undefined) return range.quality;
  }
  return 0;
}
