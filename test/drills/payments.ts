import { randomUUID } from 'node:crypto';
import { waitFor } from '@slipstream/testing';

const batchSize = 10;
const ends: ReadonlySet<string> = new Set(['settled', 'refunded']);

export interface SlipEventView {
  readonly type: string;
  readonly time: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** Submits slips as another service would, and asks what became of them. */
export class Payments {
  readonly #env: Readonly<Record<string, string>>;
  readonly #slips: string[] = [];
  /** What each was asked for by, under a key of the same name. */
  readonly #references = new Map<string, string>();

  constructor(env: Readonly<Record<string, string>>) {
    this.#env = env;
  }

  get count(): number {
    return this.#slips.length;
  }

  async submit(count: number): Promise<void> {
    for (let left = count; left > 0; left -= batchSize) {
      const some = Array.from({ length: Math.min(left, batchSize) }, () => this.#submitOne());
      this.#slips.push(...(await Promise.all(some)));
    }
  }

  /** How many do not get their slip again when they are asked for once more, under the same key. */
  async strayed(): Promise<number> {
    const asked = [...this.#references].map(async ([id, reference]) => (await this.#taken(reference)) === id);
    return (await Promise.all(asked)).filter((isSame) => !isSame).length;
  }

  /** Resolves when the ledger shows an end of each of them: settled, or given back when the machine was too slow. */
  async ended(timeoutMs: number): Promise<void> {
    await waitFor(async () => (await this.open()).length === 0, {
      timeoutMs,
      intervalMs: 250,
      what: 'the end of every slip',
    });
  }

  /** Resolves when the ledger shows each of them: its submission is on the topic. */
  async told(timeoutMs: number): Promise<void> {
    const isTold = async () => (await this.#shown()).every(({ status }) => status !== null);
    await waitFor(isTold, { timeoutMs, intervalMs: 50, what: 'every slip to be told' });
  }

  /** Those that the ledger shows no end of. */
  async open(): Promise<string[]> {
    return (await this.#shown()).filter(({ status }) => !ends.has(status ?? '')).map(({ id }) => id);
  }

  /** The types of a slip's events, in the order of the log. */
  async story(id: string): Promise<string> {
    const headers = { authorization: `Bearer ${this.#env.TOKEN_OPS}` };
    const answer = await fetch(`${this.#env.LEDGER_URL}/v1/slips/${id}/events`, { headers }).catch(
      () => null,
    );
    if (answer?.status !== 200) return `the ledger says ${answer?.status ?? 'nothing'}`;
    const { data } = (await answer.json()) as { data: { type: string; sequence: string }[] };
    return data.map(({ type, sequence }) => `${type.split('.').at(-2)} ${sequence}`).join(', ');
  }

  /** Every event of every slip. */
  async events(): Promise<readonly SlipEventView[]> {
    const headers = { authorization: `Bearer ${this.#env.TOKEN_OPS}` };
    const all = await Promise.all(
      this.#slips.map(async (id) => {
        const answer = await fetch(`${this.#env.LEDGER_URL}/v1/slips/${id}/events`, { headers });
        if (!answer.ok) throw new Error(`the ledger says ${answer.status} of the events of ${id}`);
        return ((await answer.json()) as { data: SlipEventView[] }).data;
      }),
    );
    return all.flat();
  }

  /** What the providers really did, by their own word. */
  async executions(): Promise<{
    readonly paid: number;
    readonly second: number;
    readonly differing: number;
  }> {
    const answer = await fetch(`${this.#env.SIMULATOR_URL}/v1/truth`);
    const { data } = (await answer.json()) as { data: { slip_id: string; executions: number }[] };
    const executions = new Map(data.map((row) => [row.slip_id, row.executions]));
    const counts = this.#slips.map((id) => executions.get(id) ?? 0);
    const told = await this.#shown();
    return {
      // Settled and not executed, or given back and executed.
      differing: told.filter(({ id, status }) => (status === 'settled') !== (executions.get(id) ?? 0) > 0)
        .length,
      paid: counts.filter((count) => count > 0).length,
      second: counts.reduce((sum, count) => sum + Math.max(0, count - 1), 0),
    };
  }

  async #shown(): Promise<{ readonly id: string; readonly status: string | null }[]> {
    return Promise.all(this.#slips.map(async (id) => ({ id, status: await this.#status(id) })));
  }

  async #submitOne(): Promise<string> {
    const reference = randomUUID();
    const id = await this.#taken(reference);
    this.#references.set(id, reference);
    return id;
  }

  async #taken(reference: string): Promise<string> {
    const answer = await waitFor(
      async () => {
        const response = await this.#post(reference).catch(() => null);
        return response?.status === 202 ? response : undefined;
      },
      { timeoutMs: 60_000, what: 'intake to take a slip' },
    );
    return ((await answer.json()) as { id: string }).id;
  }

  #post(reference: string): Promise<Response> {
    return fetch(`${this.#env.INTAKE_URL}/v1/slips`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${this.#env.TOKEN_PUBLISHER}`,
        'content-type': 'application/json',
        'idempotency-key': `"${reference}"`,
      },
      body: JSON.stringify({
        reference,
        kind: 'order',
        account: 'drill-payer',
        counterparty: 'drill-shop',
        amount: { amount: '1250', currency: 'EUR' },
        route: 'default',
        confirm: true,
      }),
    });
  }

  async #status(id: string): Promise<string | null> {
    const headers = { authorization: `Bearer ${this.#env.TOKEN_OPS}` };
    const answer = await fetch(`${this.#env.LEDGER_URL}/v1/slips/${id}`, { headers }).catch(() => null);
    if (answer?.status !== 200) return null;
    return ((await answer.json()) as { status: string }).status;
  }
}
