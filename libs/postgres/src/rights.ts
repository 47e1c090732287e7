import type pg from 'pg';

/** Beside the tables that only grow, what a migration has made may be read and changed. */
const everyday = ['delete', 'insert', 'select', 'update'];
const growing = ['insert', 'select'];
const readable = ['select'];
const counting = ['select', 'update', 'usage'];

/** What a run-time role may do with everything in a database; nothing in it is its own. */
export interface Rights {
  /** Its name. */
  readonly role: string;
  /** Tables whose rows are never changed or taken away. */
  readonly appendOnly: ReadonlySet<string>;
}

interface Relation {
  name: string;
  kind: 'r' | 'p' | 'v' | 'S';
  granted: string[];
}

/** Tables, views and sequences; those behind identity columns need no right. */
const relationsSql = `
select c.relname as name, c.relkind as kind, coalesce((
  select array_agg(lower(a.privilege_type) order by lower(a.privilege_type)) from aclexplode(c.relacl) a
  where a.grantee = (select oid from pg_roles where rolname = $1)), '{}') as granted
from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'S')
  and not exists (select from pg_depend d where d.objid = c.oid and d.deptype = 'i')
order by 1`;

/** Gives the role its rights, all at once; where it has them, nothing happens. */
export async function grantRights(client: pg.ClientBase, { role, appendOnly }: Rights): Promise<void> {
  const to = client.escapeIdentifier(role);
  const { rows } = await client.query<Relation>(relationsSql, [role]);
  const statements = rows.flatMap(({ name, kind, granted }) => {
    const rights = rightsOn(name, kind, appendOnly);
    if (granted.join() === rights.join()) return [];
    const what = `${kind === 'S' ? 'sequence' : 'table'} ${client.escapeIdentifier(name)}`;
    return [`revoke all on ${what} from ${to}`, `grant ${rights.join(', ')} on ${what} to ${to}`];
  });
  if (statements.length > 0) await client.query(`begin; ${statements.join('; ')}; commit`);
}

function rightsOn(name: string, kind: Relation['kind'], appendOnly: ReadonlySet<string>): readonly string[] {
  if (kind === 'S') return counting;
  if (kind === 'v' || name === 'schema_migration') return readable;
  return appendOnly.has(name) ? growing : everyday;
}
