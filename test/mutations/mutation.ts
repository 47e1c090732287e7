/** One line of code made wrong, and the specs that must notice. */
export interface Mutation {
  /** Unique; what `--only` takes. */
  readonly name: string;
  /** Path from the repository's root. */
  readonly file: string;
  /** The whole line, without what it is indented by; it occurs once in the file. */
  readonly from: string;
  /** What stands there instead; empty: nothing. */
  readonly to: string;
  /** The specs that must go red; their suffix is their tier. */
  readonly specs: readonly string[];
}

export type Tier = 'unit' | 'int' | 'e2e';

export function tierOf(spec: string): Tier {
  const suffix = /\.(int|e2e)\.spec\.ts$/.exec(spec)?.[1];
  return (suffix as Tier | undefined) ?? 'unit';
}

/** A mutation is run in the dearest tier that one of its specs needs. */
export function tierOfAll(specs: readonly string[]): Tier {
  const tiers = new Set(specs.map(tierOf));
  return tiers.has('e2e') ? 'e2e' : tiers.has('int') ? 'int' : 'unit';
}

/**
 * Gives the file's text with the mutation in it.
 * @throws StaleMutation when the line is not there exactly once: the code has changed and the mutation must follow it
 */
export function mutate(text: string, { name, file, from, to }: Mutation): string {
  const lines = text.split('\n');
  const places = lines.flatMap((line, index) => (line.trim() === from ? [index] : []));
  if (places.length !== 1) {
    throw new StaleMutation(`${name}: ${file} has the line ${places.length} times, not once: ${from}`);
  }
  const index = places[0]!;
  const line = lines[index]!;
  const indent = line.slice(0, line.indexOf(from));
  lines[index] = to === '' ? '' : indent + to;
  return lines.join('\n');
}

export class StaleMutation extends Error {
  override readonly name = 'StaleMutation';
}
