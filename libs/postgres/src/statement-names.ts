import { createHash } from 'node:crypto';

/** A statement is prepared when it is asked for the time after so many: most are asked once, or all day. */
const askedUnnamedMax = 4;
/** The server keeps what is prepared, on each connection: beyond so many, statements stay unnamed. */
const namedMax = 200;
const countedMax = 1_000;

/** Names the statements that are asked again and again, so that the server parses and plans them once a connection. */
export class StatementNames {
  readonly #asked = new Map<string, number>();
  readonly #names = new Map<string, string>();

  /** undefined: not (yet) worth it. The name follows from the text alone, as connections know it by its text. */
  of(sql: string): string | undefined {
    const name = this.#names.get(sql);
    if (name !== undefined || this.#names.size >= namedMax) return name;
    const times = (this.#asked.get(sql) ?? 0) + 1;
    if (times <= askedUnnamedMax) {
      if (this.#asked.size >= countedMax) this.#asked.clear();
      this.#asked.set(sql, times);
      return undefined;
    }
    this.#asked.delete(sql);
    const given = createHash('sha256').update(sql).digest('base64url').slice(0, 24);
    this.#names.set(sql, given);
    return given;
  }
}
