import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeOpsEvent, topics } from '@slipstream/contracts';
import { createKafka, readTail } from '@slipstream/kafka';
import { type Stack, type StackOptions, startStack, submitSlip } from '@slipstream/local';
import { waitFor } from '@slipstream/testing';

type Log = (line: string) => void;

export interface PromiseOptions {
  /** Slips that are executed too late, and again as many behind them. */
  readonly slips: number;
}

export interface PromiseResult {
  readonly provider: string;
  readonly promise: string;
  /** Given back on proof, and executed all the same. */
  readonly broken: number;
  /** Of those, named by ProviderPromiseBroken. */
  readonly seen: number;
  /** Given back on proof, with a certificate that the program for it finds valid. */
  readonly certified: number;
  readonly refunded: number;
  /** Of the broken ones, money that the provider owes by the books: it has what was given back. */
  readonly owed: number;
  /** All slips that the events name, and their money in minor units. */
  readonly named: number;
  readonly money_broken: number;
  readonly proof_off: boolean;
  /** Slips sent behind that, of which nothing is known: cases, and none given back on what the provider denied. */
  readonly later_cases: number;
  readonly later_denied: number;
  /** Those that were kept from being sent, by the open circuit, are given back. */
  readonly later_never_sent: number;
  /** After people restored it a slip is given back on proof again. */
  readonly restored: boolean;
  readonly holds: boolean;
}

interface Promised {
  readonly provider: string;
  /** What it promises, and does not keep. */
  readonly promise: string;
  readonly breaks: readonly FaultRule[];
}

interface FaultRule {
  readonly fault: string;
  readonly delay_ms?: number;
}

/** Later than any promise: both decide after nine seconds. */
const executesLate = { fault: 'executes_late', delay_ms: 9_000 };
const promised: readonly Promised[] = [
  { provider: 'cumulus', promise: 'it decides within a second', breaks: [executesLate] },
  {
    provider: 'borealis',
    promise: 'it executes nothing that it has cancelled',
    breaks: [executesLate, { fault: 'ignores_cancellation' }],
  },
];
const amount = 1_250;
const endTimeoutMs = 180_000;
const pollMs = 500;

/** The stack that the drill runs on. */
export const promiseStack: Pick<StackOptions, 'profile' | 'policies' | 'rules' | 'behaviour'> = {
  profile: 'stack',
  // So that the first question after a proof comes soon after the late execution.
  rules: [
    ...promised.map(({ provider }) => ({
      path: ['providers', provider, 'recheck_ladder_ms'],
      value: [5_000, 10_000, 20_000, 60_000],
    })),
    { path: ['providers', 'borealis', 'cancel_by_reference'], value: true },
    { path: ['providers', 'borealis', 'acceptance_delay_max_ms'] },
  ],
  // So that who is asked again may have taken the slip, and not have executed it yet.
  behaviour: { failure_rate: 0, answer_ms: [3_000, 9_000] },
};

/** Boots a stack of its own. */
export async function drillPromise(options: PromiseOptions, log: Log): Promise<readonly PromiseResult[]> {
  const dataDir = mkdtempSync(join(tmpdir(), 'slipstream-drill-'));
  try {
    const stack = await startStack({ ...promiseStack, dataDir, log, removeOnCrash: [dataDir] });
    try {
      return await playPromise(stack, options, log);
    } finally {
      await stack.stop();
    }
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
}

/** Lets providers execute slips against their promises, each at once, and looks whether that is seen and what follows. */
export function playPromise(
  stack: Stack,
  options: PromiseOptions,
  log: Log,
): Promise<readonly PromiseResult[]> {
  const faults = new Faults(stack);
  return Promise.all(promised.map((one) => playOne(stack, faults, one, options, log)));
}

async function playOne(
  stack: Stack,
  faults: Faults,
  { provider, promise, breaks }: Promised,
  { slips }: PromiseOptions,
  log: Log,
): Promise<PromiseResult> {
  const tell = (line: string) => log(`${provider}: ${line}`);
  await faults.set(provider, breaks);
  const first = await submit(stack, provider, slips);
  await waitFor(async () => (await shown(stack, first)).every(hasEnd), ending('an end of every slip'));
  const refunded = (await shown(stack, first))
    .filter(({ status }) => status !== 'settled')
    .map(({ id }) => id);
  tell(`${refunded.length} of ${slips} slips were given back on proof`);
  const certified = await countValid(stack, refunded);
  const executed = async () => {
    const executions = await truth(stack);
    return refunded.filter((id) => (executions.get(id) ?? 0) > 0);
  };
  await waitFor(async () => (await executed()).length === refunded.length, ending('the late executions'));
  const broken = await executed();
  const seen = async () => {
    const named = new Set((await brokenPromises(stack, provider)).flatMap((data) => data.slips));
    return broken.filter((id) => named.has(id));
  };
  // What is not seen by then is told below.
  await waitFor(async () => (await seen()).length === broken.length, ending('the broken promises')).catch(
    (error: Error) => tell(error.message),
  );
  const events = await brokenPromises(stack, provider);
  const named = new Set(events.flatMap((data) => data.slips)).size;
  const money = events.flatMap((data) => data.broken).reduce((sum, one) => sum + Number(one.amount), 0);
  tell(`${(await seen()).length} of ${broken.length} broken promises were seen`);

  await faults.set(provider, [{ fault: 'timeout_before_work' }]);
  const later = await submit(stack, provider, slips);
  await waitFor(async () => (await shown(stack, later)).every(isLeft), ending('a case of every later slip'));
  const behind = await shown(stack, later);
  const claims = await Promise.all(
    behind.filter(({ status }) => status === 'refunded').map(({ id }) => claimOf(stack, id)),
  );
  const proofOff = await isProofOff(stack, provider);

  await call(stack, 'GATEWAY_URL', `/v1/providers/${provider}/restore-proof`, { reason: 'a drill' });
  const owed = async () =>
    (await Promise.all(broken.map((id) => isOwed(stack, provider, id)))).filter(Boolean).length;
  await waitFor(async () => (await owed()) === broken.length, ending('the claims')).catch((error: Error) =>
    tell(error.message),
  );
  const [last] = await submit(stack, provider, 1);
  const isBack = async () => (await shown(stack, [last!]))[0]?.status === 'refunded';
  const restored = await waitFor(isBack, ending('a refund on proof')).catch(() => false);

  const result = {
    ...{ provider, promise },
    ...{ broken: broken.length, seen: (await seen()).length, certified, refunded: refunded.length },
    ...{ owed: await owed(), named, money_broken: money, proof_off: proofOff },
    later_cases: behind.filter((slip) => slip.case?.status === 'open').length,
    later_denied: claims.filter((claim) => claim !== 'never_sent').length,
    later_never_sent: claims.filter((claim) => claim === 'never_sent').length,
    restored: restored === true,
  };
  const holds =
    result.broken > 0 &&
    result.seen === result.broken &&
    result.owed === result.broken &&
    result.money_broken === named * amount &&
    result.certified === result.refunded &&
    result.proof_off &&
    result.later_cases > 0 &&
    result.later_cases + result.later_never_sent === slips &&
    result.later_denied === 0 &&
    result.restored;
  return { ...result, holds };
}

const ending = (what: string) => ({ timeoutMs: endTimeoutMs, intervalMs: pollMs, what });

interface Shown {
  readonly id: string;
  readonly status: string;
  readonly case: { readonly status: string } | null;
}

const hasEnd = ({ status }: Shown) => ['settled', 'refunded', 'conflicted'].includes(status);
const isLeft = (slip: Shown) => hasEnd(slip) || slip.case?.status === 'open';

async function submit(stack: Stack, provider: string, count: number): Promise<string[]> {
  const target = { intakeUrl: stack.env.INTAKE_URL!, token: stack.env.TOKEN_PUBLISHER! };
  const { signal } = new AbortController();
  const one = () => ({
    ...({ kind: 'order', account: 'drill-payer', counterparty: 'drill-shop', route: provider } as const),
    ...{ reference: randomUUID(), amount: { amount: String(amount), currency: 'EUR' } },
  });
  return Promise.all(Array.from({ length: count }, () => submitSlip(one(), target, signal)));
}

async function shown(stack: Stack, ids: readonly string[]): Promise<Shown[]> {
  return Promise.all(ids.map((id) => call<Shown>(stack, 'LEDGER_URL', `/v1/slips/${id}`)));
}

async function isProofOff(stack: Stack, provider: string): Promise<boolean> {
  const path = `/v1/providers/${provider}`;
  const { proof } = await call<{ proof: { off: boolean } | null }>(stack, 'GATEWAY_URL', path);
  return proof?.off === true;
}

/** Whether the books claim this slip's money from its provider. */
async function isOwed(stack: Stack, provider: string, id: string): Promise<boolean> {
  const { data } = await call<{ data: { postings: { account: string; direction: string }[] }[] }>(
    ...([stack, 'LEDGER_URL', `/v1/transactions?slip=${id}`] as const),
  );
  return data
    .flatMap(({ postings }) => postings)
    .some((one) => one.direction === 'debit' && one.account.startsWith(`provider:${provider}:receivable`));
}

/** What the certificate of a slip claims. */
async function claimOf(stack: Stack, id: string): Promise<string> {
  const { payload } = await call<{ payload: string }>(stack, 'GATEWAY_URL', `/v1/slips/${id}/certificate`);
  return (JSON.parse(Buffer.from(payload, 'base64').toString()) as { claim: string }).claim;
}

/** How many have a certificate that is valid by the keys that are served, as the program for it says. */
async function countValid(stack: Stack, ids: readonly string[]): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'slipstream-certificates-'));
  try {
    const keys = join(folder, 'keys.json');
    writeFileSync(keys, JSON.stringify(await call(stack, 'GATEWAY_URL', '/v1/certificates/keys')));
    const program = join(import.meta.dirname, '../../tools/verify-certificate.mjs');
    let valid = 0;
    for (const id of ids) {
      const file = join(folder, 'certificate.json');
      const certificate = await call(stack, 'GATEWAY_URL', `/v1/slips/${id}/certificate`);
      writeFileSync(file, JSON.stringify(certificate));
      const { status, stdout } = spawnSync(process.execPath, [program, file, '--key', keys], {
        encoding: 'utf8',
      });
      if (status === 0 && stdout.includes(id)) valid += 1;
    }
    return valid;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function brokenPromises(stack: Stack, provider: string) {
  const { name, partitions } = topics.ops;
  const kafka = createKafka({ brokers: stack.env.KAFKA_BROKERS!.split(','), clientId: 'drill' });
  const everything = new Map(Array.from({ length: partitions }, (_, partition) => [partition, 0]));
  // A resend is told once.
  const found = new Map<string, { slips: string[]; broken: { amount: bigint }[] }>();
  await readTail(kafka, name, everything, (_, record) => {
    const value = record.value();
    const told = value === null ? null : decodeOpsEvent(value);
    if (told?.event.type !== 'ProviderPromiseBroken' || told.event.data.provider !== provider) return;
    found.set(told.id, told.event.data);
  });
  return [...found.values()];
}

/** Executions of each slip, by the providers' own word. */
async function truth(stack: Stack): Promise<ReadonlyMap<string, number>> {
  const answer = await fetch(new URL('/v1/truth', stack.simulatorUrl));
  const { data } = (await answer.json()) as { data: { slip_id: string; executions: number }[] };
  return new Map(data.map((row) => [row.slip_id, row.executions]));
}

/** The simulator's rules: all of them are set at once, and each play changes those of its own provider. */
class Faults {
  readonly #stack: Stack;
  readonly #of = new Map<string, readonly FaultRule[]>();

  constructor(stack: Stack) {
    this.#stack = stack;
  }

  async set(provider: string, rules: readonly FaultRule[]): Promise<void> {
    this.#of.set(provider, rules);
    const all = [...this.#of].flatMap(([id, own]) => own.map((rule) => ({ ...rule, provider: id })));
    const answer = await fetch(new URL('/v1/rules', this.#stack.simulatorUrl), {
      ...{ method: 'PUT', headers: { 'content-type': 'application/json' }, body: JSON.stringify(all) },
    });
    if (!answer.ok) throw new Error(`the simulator answered ${answer.status}: ${await answer.text()}`);
  }
}

/** A GET, or a POST of this body. */
async function call<T>(stack: Stack, service: string, path: string, body?: object): Promise<T> {
  const headers = { authorization: `Bearer ${stack.env.TOKEN_OPS}`, 'content-type': 'application/json' };
  const init = body === undefined ? { headers } : { method: 'POST', headers, body: JSON.stringify(body) };
  const answer = await fetch(`${stack.env[service]}${path}`, init);
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return (await answer.json()) as T;
}
