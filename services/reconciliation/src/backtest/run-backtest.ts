import { readFileSync } from 'node:fs';
import type { KafkaClient } from '@slipstream/kafka';
import { type Instant, StartError } from '@slipstream/kernel';
import { circuitWindow, parseRules, type Rules } from '@slipstream/rules';
import { ids } from '../adapters/kafka/outgoing.ts';
import { type OnRead, WholeLog } from '../adapters/kafka/whole-log.ts';
import { Backtest, type BacktestReport, type Warning } from '../application/backtest/backtest.ts';
import type { TermsOfRules } from '../application/backtest/other-terms.ts';

export interface BacktestAsked {
  readonly brokers: readonly string[];
  /** The rules file, and those that were in force. */
  readonly other: string;
  readonly were: readonly string[];
  readonly clock: string;
  readonly from: Instant | null;
  readonly to: Instant | null;
}

export interface BacktestResult extends BacktestReport {
  /** Digests of the rules. */
  readonly digest: string;
  readonly records: number;
  /** Warnings that the log tells of. */
  readonly warned: readonly Warning[];
}

/** @throws StartError for rules that are not usable, SlipstreamError when Kafka cannot be read */
export async function runBacktest(
  kafka: KafkaClient,
  { other, were, clock, from, to }: BacktestAsked,
  onRead: OnRead,
): Promise<BacktestResult> {
  const rules = rulesOf(other);
  const log = new WholeLog(kafka);
  try {
    const bounds = await log.bounds();
    const until = await log.lastTime(bounds);
    const backtest = new Backtest(
      {
        other: termsOf(rules),
        were: were.map((one) => termsOf(rulesOf(one))),
        earlyWarning: rules.detection.earlyWarning,
        circuitWindow,
      },
      { clock, from, to, until },
      ids,
    );
    const records = await log.everySlip(bounds, (events) => backtest.add(events), onRead);
    const warned = await warningsIn(log, from, to);
    return { digest: rules.digest, records, warned, ...backtest.report() };
  } finally {
    await log.close();
  }
}

async function warningsIn(log: WholeLog, from: Instant | null, to: Instant | null): Promise<Warning[]> {
  const warned: Warning[] = [];
  await log.operations(({ event }) => {
    if (event.type !== 'ReturnsFalling') return;
    const { provider, route, foundAt, firstDeadline } = event.data;
    if ((from !== null && foundAt < from) || (to !== null && foundAt >= to)) return;
    warned.push({ provider, route, foundAt, firstDeadline });
  });
  return warned.sort((a, b) => (a.foundAt < b.foundAt ? -1 : 1));
}

function termsOf({ digest, routes, providers, detection: { graceMs } }: Rules): TermsOfRules {
  return {
    digest,
    routes: new Map(
      [...routes].map(([id, { outcomeDeadlineMs, quietPeriodMs, inquiryLadderMs }]) => [
        id,
        { outcomeDeadlineMs, policy: { graceMs, quietPeriodMs, inquiryLadderMs } },
      ]),
    ),
    providers: new Map(
      [...providers].map(([id, { circuitOpenMs, acceptanceDelayMaxMs, visibilityDelayMs }]) => [
        id,
        {
          circuitOpenMs,
          notFoundCountsAfterMs:
            acceptanceDelayMaxMs === null ? null : Math.max(acceptanceDelayMaxMs, visibilityDelayMs),
        },
      ]),
    ),
  };
}

/** Is good for an address and for a secret: nothing here is called, and a digest is made before variables are filled in. */
const placeholder = 'http://variable.invalid/';

function rulesOf(file: string): Rules {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new StartError('The rules file cannot be read:', [`${file}: ${(error as Error).message}`]);
  }
  const named = [...text.matchAll(/\$\{([A-Z_][A-Z0-9_]*)\}/g)].map(([, name]) => [name!, placeholder]);
  return parseRules(text, { file, environment: Object.fromEntries(named) });
}
