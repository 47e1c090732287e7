type Query = <Row>(sql: string, parameters?: unknown[]) => Promise<Row[]>;

/** Rows that a statement writes at once: it may take no longer than any other. */
const chunk = 10_000;

/** Fills tables by statements that write the rows from the number `$1` to the number `$2`, and has PostgreSQL look how many there are. */
export async function fillTables(
  database: { query: Query },
  { statements, tables }: { readonly statements: readonly string[]; readonly tables: readonly string[] },
  rows: number,
): Promise<void> {
  for (let from = 1; from <= rows; from += chunk) {
    for (const sql of statements) await database.query(sql, [from, Math.min(rows, from + chunk - 1)]);
  }
  for (const table of tables) await database.query(`analyze ${table}`);
}
