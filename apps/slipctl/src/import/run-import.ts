import { readFile as readText } from 'node:fs/promises';
import { SlipstreamPublisher } from '@slipstream/client';
import { topics } from '@slipstream/contracts';
import type { Instant } from '@slipstream/kernel';
import type { Api } from '../api.ts';
import { CliError, messageOf } from '../exit.ts';
import { quiet, requireTopics, security } from '../kafka.ts';
import type { Terminal } from '../output/terminal.ts';
import { requireOutputs } from '../output/whole-file.ts';
import { clockNames } from './clock-names.ts';
import { type Collected, collectVerdicts } from './collect.ts';
import { compareEntries, type Entry } from './entries.ts';
import { type Mapping, parseMapping } from './mapping.ts';
import { compareMessages, type Message, messagesOf } from './messages.ts';
import { fixedPace, watchedPace } from './pace.ts';
import { preflight } from './preflight.ts';
import { type ReadFile, readFile, type SlipOfFile } from './prepare.ts';
import { publish } from './publish.ts';
import { ExternalSort } from './sort.ts';
import { type ImportSummary, type SentCounts, summaryOf } from './summary.ts';
import { waitForVerdicts } from './wait.ts';

export interface ImportOptions {
  readonly file: string;
  readonly mapping: string;
  readonly until: Instant;
  /** null: from the digest of file and mapping. */
  readonly clock: string | null;
  /** The clock of an import of the same slips that this one corrects; null: there was none. */
  readonly replaces: string | null;
  readonly caller: string;
  readonly strict: boolean;
  readonly brokers: readonly string[];
  /** null: don't wait for the verdicts. */
  readonly wait: { readonly ledger: Api; readonly reconciliation: Api; readonly timeoutMs: number } | null;
  /** Asked how fast to go; null: slowly. */
  readonly reconciliation: Api | null;
  readonly verdictsFile: string | null;
  readonly terminal: Terminal;
  readonly nowMs: () => number;
}

/** Publishes a file of past slips on a clock of its own and, if wished, waits for what the system says about them. */
export async function runImport(options: ImportOptions): Promise<ImportSummary> {
  const { until, terminal, wait, strict, file, replaces, verdictsFile } = options;
  const mappingText = await readMapping(options.mapping);
  const mapping = parseMapping(mappingText, options.mapping);
  await requireOutputs({ '--verdicts': verdictsFile ?? undefined }, [file, options.mapping]);
  const entries = new ExternalSort<Entry>({ compare: compareEntries });
  try {
    const input = await readFile({ file, mapping, mappingText, strict, terminal, sort: entries });
    const { clock, caller } = clockNames({ ...options, digest: input.digest });
    if (wait) await preflight(wait, { clock, until, caller, replaces });
    const sent = await send({ ...options, caller }, input, mapping, clock);
    let collected: Collected | null = null;
    if (wait) {
      await waitForVerdicts({ ...options, ...wait, clock, slips: sent.submitted });
      const slips = submittedSlips(input, until);
      collected = await collectVerdicts({ ...wait, clock, until }, slips, verdictsFile);
    }
    return summaryOf({ clock, caller, until, replaces }, input.counts, sent, collected);
  } finally {
    entries.dispose();
  }
}

async function readMapping(path: string): Promise<string> {
  try {
    return await readText(path, 'utf8');
  } catch (error) {
    throw new CliError('usage', `the mapping ${path} cannot be read: ${messageOf(error)}`);
  }
}

/** Those that the file contradicts itself about belong to it, whenever they were submitted. */
async function* submittedSlips(input: ReadFile, until: Instant): AsyncGenerator<SlipOfFile> {
  for await (const slip of input.slips()) if (!slip.row || slip.row.submittedAt <= until) yield slip;
}

async function send(
  { until, brokers, caller, terminal, reconciliation, nowMs }: ImportOptions,
  input: ReadFile,
  mapping: Mapping,
  clock: string,
): Promise<SentCounts> {
  await requireTopics(brokers, [topics.commands.name, topics.results.name]);
  const messages = new ExternalSort<Message>({ compare: compareMessages });
  const bus = new SlipstreamPublisher({ brokers, caller, sendTimeoutMs, log: quiet, ...security() });
  const progress = terminal.progress('sending');
  const counts = { submitted: 0, messages: 0, afterUntil: 0, reportsAfterUntil: 0 };
  try {
    for await (const row of input.rows()) {
      const said = messagesOf(row, mapping.submittedName, until);
      if (said.length === 0) counts.afterUntil++;
      else {
        counts.submitted++;
        counts.reportsAfterUntil += row.reports.length + 1 - said.length;
      }
      for (const message of said) await messages.add(message);
      counts.messages += said.length;
    }
    const onSent = (sent: number) => progress.update(sent, counts.messages, 'messages');
    const pace = reconciliation ? watchedPace(reconciliation, { clock, nowMs }) : fixedPace(nowMs);
    await publish(bus, messages.sorted(), { clock, until, onSent, pace });
    return counts;
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'SendFailed') throw error;
    throw new CliError('unreachable', `Kafka did not take the messages: ${error.message}`, { cause: error });
  } finally {
    progress.stop();
    messages.dispose();
    await bus.stop();
  }
}

/** A whole history is behind it: a broker that is slow, or comes back, does not end the import. */
const sendTimeoutMs = 60_000;
