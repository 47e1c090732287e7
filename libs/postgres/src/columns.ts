import { type ColumnType, type Sink, writeValue } from './column-types.ts';

// biome-ignore lint/suspicious/noExplicitAny: what a column takes is known where it is written
export type Columns = Readonly<Record<string, ColumnType<any>>>;

/** A row by the names of its columns; any column may be NULL, whether the table takes that is the table's word. */
export type RowOf<C extends Columns> = {
  readonly [Name in keyof C]: C[Name] extends ColumnType<infer Value> ? Value | null : never;
};

/** Rows to be written, in order. The same object may be given for each row, filled anew: it is not kept. */
export interface Rows<Row> extends Iterable<Row> {
  readonly length: number;
}

/** Rows made one by one, as they are written: none outlives the next, however many there are. */
export function rowsOf<Item, Row>(
  items: readonly Item[],
  toRow: (item: Item, index: number) => Row,
): Rows<Row> {
  return {
    length: items.length,
    *[Symbol.iterator]() {
      for (let index = 0; index < items.length; index++) yield toRow(items[index]!, index);
    },
  };
}

/**
 * Named and typed columns of rows that one statement takes at once. The parameters are arrays in PostgreSQL's binary
 * format: the driver's own encoding of arrays escapes every value and sends byte strings twice as long.
 */
export class RowSet<C extends Columns> {
  readonly names: readonly string[];
  readonly types: readonly ColumnType<unknown>[];

  constructor(columns: C) {
    this.names = Object.keys(columns);
    this.types = Object.values(columns);
  }

  /** `unnest($1::int4[], …) as alias(name, …)`, or counted from another place; for what {@link parameters} gives. */
  unnest(alias: string, firstPlace = 1): string {
    return `unnest(${this.#places(firstPlace)}) as ${alias}(${this.names.join(', ')})`;
  }

  /** As {@link unnest}, with each row's `place`, counted from 1. */
  numbered(alias: string, firstPlace = 1): string {
    return `unnest(${this.#places(firstPlace)}) with ordinality as ${alias}(${this.names.join(', ')}, place)`;
  }

  /** One array per column. @throws RangeError | TypeError for a value that its column cannot hold */
  parameters(rows: Rows<RowOf<C>>): Buffer[] {
    const { names, types } = this;
    const arrays = types.map((type) => new ArraySink(type, rows.length));
    for (const row of rows) {
      for (let column = 0; column < types.length; column++) {
        arrays[column]!.add(row[names[column]!] as unknown);
      }
    }
    return arrays.map((array) => array.encoded());
  }

  #places(first: number): string {
    return this.types.map(({ sqlName }, index) => `$${first + index}::${sqlName}[]`).join(', ');
  }
}

/** A table as the writers of rows see it. */
export class Table<C extends Columns> extends RowSet<C> {
  readonly copySql: string;
  readonly insertSql: string;

  constructor(name: string, columns: C) {
    super(columns);
    const list = this.names.join(', ');
    this.copySql = `copy ${name} (${list}) from stdin (format binary)`;
    this.insertSql = `insert into ${name} (${list}) select ${list} from ${this.unnest('r')}`;
  }
}

export const columns = <C extends Columns>(named: C): RowSet<C> => new RowSet(named);
export const table = <C extends Columns>(name: string, named: C): Table<C> => new Table(name, named);

const headBytes = 20;
const bytesPerElement = 12;

class ArraySink implements Sink {
  readonly #type: ColumnType<unknown>;
  readonly #length: number;
  #added = 0;
  #hasNull = false;
  buffer: Buffer;
  at = headBytes;

  constructor(type: ColumnType<unknown>, length: number) {
    this.#type = type;
    this.#length = length;
    this.buffer = Buffer.allocUnsafe(headBytes + length * bytesPerElement);
  }

  reserve(bytes: number): void {
    if (this.at + bytes <= this.buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.at + bytes, this.buffer.length * 2));
    this.buffer.copy(larger, 0, 0, this.at);
    this.buffer = larger;
  }

  add(value: unknown): void {
    if (value === null) this.#hasNull = true;
    this.#added++;
    writeValue(this, this.#type, value);
  }

  encoded(): Buffer {
    if (this.#added !== this.#length) throw new RangeError(`${this.#added} rows came, not ${this.#length}`);
    const { buffer } = this;
    const isEmpty = this.#length === 0;
    buffer.writeInt32BE(isEmpty ? 0 : 1, 0);
    buffer.writeInt32BE(this.#hasNull ? 1 : 0, 4);
    buffer.writeInt32BE(this.#type.oid, 8);
    if (isEmpty) return buffer.subarray(0, 12);
    buffer.writeInt32BE(this.#length, 12);
    buffer.writeInt32BE(1, 16);
    return buffer.subarray(0, this.at);
  }
}
