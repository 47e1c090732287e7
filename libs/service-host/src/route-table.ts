interface Entry {
  readonly pattern: RegExp;
  readonly methods: Set<string>;
}

/** The routes of one server, to tell "no such path" from "no such method on this path". */
export class RouteTable {
  private readonly entries = new Map<string, Entry>();

  /** `path` in the router's syntax: `:name` is one segment, `::` a colon, a last `*` the rest. */
  add(method: string | readonly string[], path: string): void {
    const entry = this.entries.get(path) ?? { pattern: toPattern(path), methods: new Set<string>() };
    for (const name of [method].flat()) entry.methods.add(name);
    this.entries.set(path, entry);
  }

  /** The methods that `url` (a query is ignored) answers, sorted. */
  methodsOf(url: string): string[] {
    const path = url.split('?', 1)[0] ?? '';
    const matching = [...this.entries.values()].filter(({ pattern }) => pattern.test(path));
    return [...new Set(matching.flatMap(({ methods }) => [...methods]))].sort();
  }
}

function toPattern(path: string): RegExp {
  const source = path.replace(/::|:\w+|\*|[.+?^${}()|[\]\\]/g, (part) => {
    if (part === '::') return ':';
    if (part === '*') return '.*';
    return part.startsWith(':') ? '[^/]+' : `\\${part}`;
  });
  return new RegExp(`^${source}$`);
}
