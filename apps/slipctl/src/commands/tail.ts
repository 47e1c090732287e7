import { setTimeout as sleep } from 'node:timers/promises';
import type { Instant } from '@slipstream/kernel';
import type { Command } from 'commander';
import { type Api, isPassing } from '../api.ts';
import { CliError, exitCodesHelp } from '../exit.ts';
import { requireKnown } from '../known.ts';
import { showTime } from '../output/show-time.ts';
import { visibleLine } from '../output/visible.ts';
import { apiOf } from '../services.ts';
import { readServerSentEvents } from '../tail/server-sent-events.ts';
import { eventsOf, findSlip } from '../timeline/find-slip.ts';
import type { EventView } from '../timeline/views.ts';
import { requireTypes } from './event-types.ts';
import { type CommandContext, countOption, timeOption, timeoutOption } from './options.ts';
import { namesIn } from './slip-filters.ts';

interface Flags {
  slip?: string[];
  type?: string[];
  clock?: string;
  account?: string[];
  provider?: string[];
  route?: string[];
  kind?: string[];
  trace?: string;
  since?: Instant;
  past?: true;
  after?: string;
  count?: number;
  token?: string;
  timeout: number;
  json?: true;
}

/** An event of the stream: it says of which slip it is. */
type TailedEvent = EventView & { readonly slip_id: string };

const examples = `
Examples:
  slipctl tail                                   every event of every slip from now on, until Ctrl-C
  slipctl tail --provider acme --type slipstream.slip.overdue.v1
  slipctl tail --since 1h                        what became known in the last hour first, then what comes
  slipctl tail --slip ord-1001 --past            its past first, then what comes
  slipctl tail --trace 4bf92f3577b34da6a3ce929d0e0e4736 --past
  slipctl tail --count 100 --json > events.ndjson

With --json each line carries \`stream_id\`: --after ID goes on behind it, without a gap or a repeat,
with the same filters; a --since among them as its RFC 3339 time.`;

/** Heartbeats come every 15 s: a stream that is silent for longer is dead. */
const silenceMsMax = 60_000;
const reconnectDelayMs = 1_000;

export function addTail(program: Command, context: CommandContext): void {
  program
    .command('tail')
    .description('Follow events as the ledger logs them.')
    .option('--slip <slip...>', 'of these slips: ids or references')
    .option('--type <type...>', 'of these types, as in slipstream.slip.returned.v1')
    .option('--account <name...>', 'of slips of this payer')
    .option('--provider <id...>', 'of slips at this provider')
    .option('--route <name...>', 'of slips of this route')
    .option('--kind <kind...>', 'order, payout or payment')
    .option('--trace <id>', 'of the slips that began with the request of this trace id')
    .option('--clock <name>', 'default: any; with --since: wall')
    .option(
      '--since <time>',
      'what became known from then on first: RFC 3339, or how long ago, like 10m',
      timeOption,
    )
    .option('--past', 'with --slip or --trace: begin with what happened to them so far')
    .option('--after <id>', 'behind this `stream_id`, with the same filters')
    .option('--count <number>', 'end after so many events', countOption)
    .option('--token <token>', 'bearer token (else TOKEN_SRE or TOKEN_OPS)')
    .addOption(timeoutOption('longest wait for an answer to begin', '10s'))
    .option('--json', 'one JSON object per line')
    .addHelpText('after', `${examples}\n${exitCodesHelp}`)
    .action((flags: Flags) => tail(flags, context));
}

async function tail(flags: Flags, { print, terminal }: CommandContext): Promise<void> {
  if (
    flags.past &&
    ((!flags.slip && !flags.trace) || flags.after !== undefined || flags.since !== undefined)
  ) {
    throw new CliError('usage', '--past needs --slip or --trace, and goes without --after and --since');
  }
  await requireTypes(flags.type);
  // Nothing would ever come of one that is not there.
  if (flags.provider) await requireKnown({ provider: flags.provider }, flags);
  // Of these something may come: who mistyped one hears of it, and does not wait in silence.
  await requireKnown(
    namesIn({ account: flags.account, route: flags.route, clock: flags.clock }),
    flags,
  ).catch((error: unknown) => {
    if (!(error instanceof CliError)) throw error;
    terminal.say(`slipctl: ${error.message}; what comes is waited for`);
  });
  const { tell } = await import('../timeline/sentences.ts');
  const ledger = apiOf('ledger', flags);
  const named = await Promise.all(
    (flags.slip ?? []).map(async (name) => (await findSlip(ledger, name, flags.clock ?? null)).id),
  );
  const slips =
    flags.trace === undefined ? named : [...named, ...(await slipsOf(flags.trace, ledger, flags))];
  const { type, account, provider, route, kind, clock, since } = flags;
  const query = {
    slip: slips,
    type,
    account,
    provider,
    route,
    kind,
    clock,
    received_from: since,
  };
  let shown = 0;
  /** Versions that were shown of the past: the stream begins before that is read, so that nothing is missed. */
  const seen = new Set<string>();
  const isEnough = () => flags.count !== undefined && shown >= flags.count;
  const show = (event: TailedEvent, streamId: string | null) => {
    if (isEnough() || seen.has(event.id)) return;
    shown++;
    print(
      flags.json
        ? JSON.stringify({ ...event, stream_id: streamId })
        : `${showTime(event.time)}  ${event.slip_id}  ${visibleLine(tell(event.type, event.data).sentence)}`,
    );
  };
  let after = flags.after ?? null;
  let past = flags.past ? () => showPast(ledger, slips, { show, seen, type }) : null;
  for (;;) {
    try {
      const stream = ledger.stream('v1/stream', {
        ...{ query, accept: 'text/event-stream', silenceMs: silenceMsMax },
        headers: after === null ? {} : { 'last-event-id': after },
        onOpen: async () => {
          await past?.();
          past = null;
          // What was asked for was there already: nothing more is waited for.
          if (isEnough()) throw new CliError('bad', 'enough');
        },
      });
      for await (const event of readServerSentEvents(stream)) {
        // `too_slow` ends a stream: it is gone on with, as after any other end.
        if (event.data !== '' && event.type !== 'too_slow') show(JSON.parse(event.data), event.id);
        after = event.id ?? after;
        if (isEnough()) return;
      }
    } catch (error) {
      if (isEnough()) return;
      // What was never there is a mistake; what went away is waited for.
      if (!isPassing(error) || after === null) throw error;
      terminal.say(`slipctl: ${error.message}; it is tried again`);
    }
    if (isEnough()) return;
    await sleep(reconnectDelayMs);
  }
}

/** The slips that began with a request. @throws CliError (bad) where none did, or too many to follow */
async function slipsOf(trace: string, ledger: Api, { clock }: Flags): Promise<string[]> {
  const slips = new Set<string>();
  for await (const page of ledger.pages<TailedEvent>('v1/events', { trace, clock, page_size: '1000' })) {
    for (const { slip_id } of page) slips.add(slip_id);
    if (slips.size > tracedMax)
      throw new CliError('bad', `more than ${tracedMax} slips began with the request of trace ${trace}`);
  }
  if (slips.size === 0) throw new CliError('bad', `no slip began with a request of trace ${trace}`);
  return [...slips];
}

/** As many slips as an address of the stream holds. */
const tracedMax = 100;

async function showPast(
  ledger: Api,
  slips: readonly string[],
  to: {
    show: (event: TailedEvent, id: null) => void;
    seen: Set<string>;
    type: readonly string[] | undefined;
  },
): Promise<void> {
  const events = await Promise.all(
    slips.map(async (slip_id) => (await eventsOf(ledger, slip_id)).map((event) => ({ ...event, slip_id }))),
  );
  const sorted = events
    .flat()
    .toSorted((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : a.version - b.version));
  for (const event of sorted) {
    if (!to.type || to.type.includes(event.type)) to.show(event, null);
    to.seen.add(event.id);
  }
}
