/** Reads a list of the API to its end, page by page, with the same filters for each. */
export async function readList<T>(url: URL, token: string): Promise<T[]> {
  const all: T[] = [];
  let cursor: string | null = null;
  do {
    url.searchParams.set('page_size', '1000');
    // A cursor goes on in the list that gave it, which is the one of these filters.
    if (cursor !== null) url.searchParams.set('cursor', cursor);
    const response = await fetch(url, {
      headers: { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(10_000),
    });
    if (!response.ok)
      throw new Error(`${url.pathname} answered ${response.status}: ${await response.text()}`);
    const page = (await response.json()) as { data: T[]; next: string | null };
    all.push(...page.data);
    cursor = page.next;
  } while (cursor !== null);
  return all;
}
