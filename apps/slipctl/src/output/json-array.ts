/** Writes one JSON array part by part, so that it may be longer than any text; nothing is written before it begins. */
export class JsonArray {
  readonly #write: (bytes: Uint8Array) => Promise<void>;
  #before = '[';

  constructor(write: (bytes: Uint8Array) => Promise<void>) {
    this.#write = write;
  }

  async add(items: readonly unknown[]): Promise<void> {
    if (items.length === 0) return;
    const text = items.map((item) => JSON.stringify(item)).join(',');
    await this.#write(Buffer.from(this.#before + text));
    this.#before = ',';
  }

  async end(): Promise<void> {
    await this.#write(Buffer.from(this.#before === '[' ? '[]\n' : ']\n'));
  }
}
