type Query = <Row>(sql: string, parameters?: unknown[]) => Promise<Row[]>;

/** How PostgreSQL came upon rows of a table, and at how many it looked. */
export interface Scan {
  readonly table: string;
  readonly by: string;
  readonly rows: number;
}

interface Node {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly 'Rows Removed by Index Recheck'?: number;
  readonly Plans?: readonly Node[];
}

/** Watches how what is asked is answered: each statement that reads is explained first, with its own parameters. */
export class Plans {
  #plans: Node[] = [];

  watch<Database extends { query: Query }>(database: Database): Database['query'] {
    return (async (sql: string, parameters?: unknown[]) => {
      if (/^\s*(select|with)/i.test(sql)) {
        const explain = `explain (analyze, timing off, format json) ${sql}`;
        const [row] = await database.query<{ 'QUERY PLAN': { Plan: Node }[] }>(explain, parameters);
        this.#plans.push(row!['QUERY PLAN'][0]!.Plan);
      }
      return database.query(sql, parameters);
    }) as Database['query'];
  }

  /** What runs statements and transactions, watched in both. */
  watched<Database extends { query: Query; run: unknown }>(database: Database): Database {
    type Run = (work: (tx: { query: Query }) => Promise<unknown>) => Promise<unknown>;
    const run: Run = (work) =>
      (database.run as Run).call(database, (tx) => work(inPlaceOf(tx, { query: this.watch(tx) })));
    return inPlaceOf(database, { run, query: this.watch(database) });
  }

  /** Every scan of what is asked meanwhile. @throws Error when nothing is */
  async scansOf(ask: () => Promise<unknown>): Promise<readonly Scan[]> {
    this.#plans = [];
    await ask();
    if (this.#plans.length === 0) throw new Error('nothing was asked');
    return scansIn(this.#plans);
  }
}

/** The same, with other methods; its own go on with what they keep to themselves. */
function inPlaceOf<T extends object>(one: T, others: Readonly<Record<string, unknown>>): T {
  return new Proxy(one, {
    get(target, name) {
      if (typeof name === 'string' && name in others) return others[name];
      const own: unknown = Reflect.get(target, name, target);
      return typeof own === 'function' ? own.bind(target) : own;
    },
  });
}

function scansIn(nodes: readonly Node[]): Scan[] {
  return nodes.flatMap((node) => {
    const table = node['Relation Name'];
    const passedOver = (node['Rows Removed by Filter'] ?? 0) + (node['Rows Removed by Index Recheck'] ?? 0);
    const rows = (node['Actual Rows'] + passedOver) * node['Actual Loops'];
    return [...(table ? [{ table, by: node['Node Type'], rows }] : []), ...scansIn(node.Plans ?? [])];
  });
}
