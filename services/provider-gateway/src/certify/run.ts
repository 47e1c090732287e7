import { createHash, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SigningKeys } from '@slipstream/identity';
import { StartError } from '@slipstream/kernel';
import { v7 as uuidv7 } from 'uuid';
import type { Provider } from '../application/ports.ts';
import type { Dispatch } from '../domain/dispatch/state.ts';
import { openProviders } from '../providers/registry.ts';
import { type CallbackListener, hearCallbacks } from './callback-listener.ts';
import { certify, type Sandbox } from './checks.ts';
import { type Exchange, openRecordingWay, type RecordingWay } from './recording-way.ts';
import { type Report, signedReport } from './report.ts';

export interface CertifyOptions {
  readonly url: string;
  readonly protocol: string;
  readonly secret: string;
  readonly acceptanceDelayMaxMs: number | null;
  readonly idempotentByReference: boolean;
  readonly waitMsMax: number;
  readonly currency: string;
  /** Where callbacks come; null: nobody listens. */
  readonly listen: { readonly host: string; readonly port: number } | null;
  /** null: the report is not signed. */
  readonly keys: SigningKeys | null;
  readonly onProgress: (done: number, total: number) => void;
}

export interface Certified {
  readonly report: Report;
  readonly signed: string | null;
  /** NDJSON: an exchange a line. */
  readonly tape: string;
}

const requestMsMax = 10_000;

/**
 * Holds a provider's sandbox to what the gateway relies on, through the gateway's own code for its protocol.
 * @throws StartError for an unknown protocol or an unusable secret; Error when the sandbox cannot be reached
 */
export async function runCertify(options: CertifyOptions): Promise<Certified> {
  const way = await openRecordingWay(options.url, now);
  try {
    const provider = openSandbox(options, way.url);
    try {
      return await ask(options, way, provider);
    } finally {
      await provider.close();
    }
  } finally {
    await way.close();
  }
}

const now = () => new Date();
const nowMs = () => performance.now();

function openSandbox({ protocol, secret, acceptanceDelayMaxMs }: CertifyOptions, baseUrl: string): Provider {
  const secrets = { current: secret, next: null };
  const sandbox = { ...rules, id: 'sandbox', protocol, baseUrl, acceptanceDelayMaxMs, secrets };
  return openProviders([sandbox]).get('sandbox')!;
}

async function ask(options: CertifyOptions, way: RecordingWay, provider: Provider): Promise<Certified> {
  const { url, protocol, acceptanceDelayMaxMs, idempotentByReference, keys } = options;
  const listener = await listenTo(provider, options);
  const beganAt = now().toISOString();
  try {
    const sandbox = sandboxOf(options, way, provider, listener);
    const { checks, capabilities } = await certify(sandbox, (done, total) => {
      if (way.unreachable !== null && way.tape.every(({ status }) => status === null))
        throw new Error(`the sandbox cannot be reached: ${way.unreachable}`);
      options.onProgress(done, total);
    });
    const tape = way.tape.map((exchange) => `${JSON.stringify(tapeOf(exchange))}\n`).join('');
    const report: Report = {
      ...{ url, protocol, began_at: beganAt, ended_at: now().toISOString() },
      declared: {
        acceptance_delay_max_ms: acceptanceDelayMaxMs,
        idempotent_by_reference: idempotentByReference,
      },
      ...{ checks, capabilities, exchanges: way.tape.length },
      tape_sha256: createHash('sha256').update(tape).digest('hex'),
    };
    return { report, signed: keys && signedReport(report, keys), tape };
  } finally {
    await listener?.close();
  }
}

async function listenTo(
  { callbackReader }: Provider,
  { listen, protocol }: CertifyOptions,
): Promise<CallbackListener | null> {
  if (listen === null) return null;
  if (callbackReader === null) {
    throw new StartError('There is nothing to listen to:', [`a provider of ${protocol} makes no callbacks`]);
  }
  return hearCallbacks(callbackReader, listen, nowMs);
}

function sandboxOf(
  { waitMsMax, acceptanceDelayMaxMs, idempotentByReference, currency }: CertifyOptions,
  way: RecordingWay,
  provider: Provider,
  listener: CallbackListener | null,
): Sandbox {
  const run = randomUUID().slice(0, 8);
  const ordered = new Set<string>();
  return {
    ...{ provider, heard: listener?.heard ?? null, nowMs, sleep },
    ...{ waitMsMax, acceptanceDelayMaxMs, idempotentByReference, currency },
    order: (amount) => {
      const slipId = uuidv7();
      ordered.add(slipId);
      return orderOf(slipId, `certify-${run}-${ordered.size}`, amount);
    },
    isOrdered: (slipId) => ordered.has(slipId),
    async cutOff(work) {
      way.isCutting = true;
      try {
        return await work();
      } finally {
        way.isCutting = false;
      }
    },
  };
}

const rules = {
  ...{
    connectTimeoutMs: requestMsMax,
    answerTimeoutMs: requestMsMax,
    concurrencyMax: 1,
    circuitOpenMs: 1_000,
  },
  ...{
    throttledMeansNotTaken: false,
    idempotentByReference: true,
    visibilityDelayMs: 0,
    failuresFinal: true,
  },
  ...{ pollLadderMs: [], recheckLadderMs: [], probe: null, statement: null, cancelByReference: false },
};

function tapeOf({ at, method, path, requestBody, status, answerBody }: Exchange) {
  return {
    ...{ at, method, path, request_body: requestBody.toString('base64'), status },
    answer_body: answerBody.toString('base64'),
  };
}

/** An order of nobody's: the sandbox sees what any other call would show it. */
function orderOf(slipId: string, reference: string, amount: Dispatch['amount']): Dispatch {
  const never = '9999-12-31T00:00:00.000000Z';
  return {
    ...{
      slipId,
      reference,
      amount,
      partition: 0,
      clock: 'wall',
      caller: '/slipstream/certify',
      kind: 'order',
    },
    ...{ account: 'certify-payer', counterparty: 'certify-payee', route: 'certify', mode: 'dispatched' },
    ...{ provider: 'sandbox', choice: null, earlier: [], deadline: never, traceparent: '', status: 'held' },
    policy: { graceMs: 0, quietPeriodMs: 0, inquiryLadderMs: [] },
    ...{
      attempt: 1,
      notAfter: null,
      digest: null,
      owner: null,
      leaseUntil: null,
      nextAt: null,
      sentMaybe: false,
    },
    ...{ pollAt: null, acknowledged: false, lastStep: null, outcome: null, evidence: null, told: [] },
    ...{ providerReference: null, firstNotFoundAt: null, closedForDispatch: false, refunded: false },
    ...{ lateSuccess: null, seenResults: [] },
  };
}
