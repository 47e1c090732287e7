import type pg from 'pg';
import { type Sink, writeValue } from './column-types.ts';
import type { Columns, RowOf, Rows, Table } from './columns.ts';

/** What COPY needs of a socket. */
export interface CopyStream {
  write(bytes: Buffer, written?: () => void): boolean;
  readonly writableNeedDrain: boolean;
  once(event: 'drain' | 'close', then: () => void): void;
  off(event: 'drain' | 'close', then: () => void): void;
}

/** What COPY needs of node-postgres' own connection; none of it is in its types. */
interface Connection {
  readonly stream: CopyStream;
  query(text: string): void;
  sendCopyFail(message: string): void;
  endCopyFrom(): void;
}

/**
 * Inserts rows by `COPY … FROM STDIN (FORMAT BINARY)` on the client's own connection, in its transaction. Rows are written
 * as fast as the server takes them, and asked for no faster. Nothing else may be under way on the connection. An error, here
 * or in the database, ends the COPY: the connection can be used again, its transaction only rolled back.
 * @throws RangeError | TypeError for a value that its column cannot hold, or what the database says
 */
export async function copyRows<C extends Columns>(
  client: pg.ClientBase,
  target: Table<C>,
  rows: Rows<RowOf<C>>,
): Promise<void> {
  const copy = new CopyIn(target.copySql, async (stream, hasEnded) => {
    const sink = new CopySink(stream);
    for (const row of rows) {
      sink.row(target, row);
      if (!stream.writableNeedDrain) continue;
      await drained(stream);
      // What is sent to a COPY that has failed would be taken for rows of the next one.
      if (hasEnded()) return;
    }
    sink.end();
  });
  // What is sent behind a COPY is taken for its rows, so pg refuses it among statements that are not waited for.
  const piped = client as unknown as { pipeline: boolean };
  const { pipeline } = piped;
  piped.pipeline = false;
  try {
    client.query(copy as unknown as pg.Submittable);
    await copy.ended;
  } finally {
    piped.pipeline = pipeline;
  }
}

/** Resolves when the socket takes more, and when it never will. */
function drained(stream: CopyStream): Promise<void> {
  return new Promise((resolve) => {
    const go = () => {
      stream.off('drain', go);
      stream.off('close', go);
      resolve();
    };
    stream.once('drain', go);
    stream.once('close', go);
  });
}

type Fill = (stream: CopyStream, hasEnded: () => boolean) => Promise<void>;

/** A query as node-postgres lets others write one: it calls these methods with what the server says. */
export class CopyIn {
  readonly ended: Promise<void>;
  /** Set by the client, which ends its read timeout by it. */
  callback: ((error: unknown) => void) | undefined;
  readonly #sql: string;
  readonly #fill: Fill;
  readonly #settle: PromiseWithResolvers<void>;
  #problem: unknown = null;
  #hasEnded = false;

  constructor(sql: string, fill: Fill) {
    this.#sql = sql;
    this.#fill = fill;
    this.#settle = Promise.withResolvers();
    this.ended = this.#settle.promise;
  }

  submit(connection: Connection): void {
    connection.query(this.#sql);
  }

  handleCopyInResponse(connection: Connection): void {
    void this.#send(connection);
  }

  async #send(connection: Connection): Promise<void> {
    try {
      await this.#fill(connection.stream, () => this.#hasEnded);
      if (!this.#hasEnded) connection.endCopyFrom();
    } catch (error) {
      if (this.#hasEnded) return;
      this.#problem = error;
      connection.sendCopyFail(String(error));
    }
  }

  /** What went wrong here is the cause; the server only repeats it. */
  handleError(error: unknown): void {
    const problem = this.#problem ?? error;
    this.#hasEnded = true;
    this.callback?.(problem);
    this.#settle.reject(problem);
  }

  handleReadyForQuery(): void {
    this.#hasEnded = true;
    this.callback?.(null);
    this.#settle.resolve();
  }

  handleCommandComplete(): void {}
  handleRowDescription(): void {}
  handleDataRow(): void {}
  handlePortalSuspended(): void {}
  handleEmptyQuery(): void {}
  handleCopyData(): void {}
}

const signature = Buffer.concat([Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1'), Buffer.alloc(8)]);
const copyData = 0x64;
const headBytes = 5;
const chunkBytes = 65_536;
const pooledChunksMax = 32;
/** Chunks whose bytes have gone to the socket. */
const pool: Buffer[] = [];

/** Fills CopyData messages; a message may end anywhere, also within a value's neighbourhood. */
class CopySink implements Sink {
  buffer = pool.pop() ?? Buffer.allocUnsafe(chunkBytes);
  at = headBytes;
  readonly #stream: CopyStream;

  constructor(stream: CopyStream) {
    this.#stream = stream;
    this.at += signature.copy(this.buffer, this.at);
  }

  row<C extends Columns>({ names, types }: Table<C>, row: RowOf<C>): void {
    this.reserve(2);
    this.at = this.buffer.writeInt16BE(types.length, this.at);
    for (let column = 0; column < types.length; column++) {
      writeValue(this, types[column]!, row[names[column]!] as unknown);
    }
  }

  end(): void {
    this.reserve(2);
    this.at = this.buffer.writeInt16BE(-1, this.at);
    this.#send();
  }

  reserve(bytes: number): void {
    if (this.at + bytes <= this.buffer.length) return;
    this.#send();
    const needed = headBytes + bytes;
    this.buffer =
      needed > chunkBytes ? Buffer.allocUnsafe(needed) : (pool.pop() ?? Buffer.allocUnsafe(chunkBytes));
    this.at = headBytes;
  }

  #send(): void {
    const { buffer } = this;
    buffer[0] = copyData;
    buffer.writeInt32BE(this.at - 1, 1);
    const back = () => {
      if (buffer.length === chunkBytes && pool.length < pooledChunksMax) pool.push(buffer);
    };
    this.#stream.write(buffer.subarray(0, this.at), back);
  }
}
