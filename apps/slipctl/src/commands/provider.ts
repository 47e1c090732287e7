import { type Command, InvalidArgumentError, Option } from 'commander';
import { variables } from '../config.ts';
import { CliError, exitCodes, exitCodesHelp } from '../exit.ts';
import { table } from '../output/table.ts';
import { requireOutputs, writeWhole } from '../output/whole-file.ts';
import { type Certified, type Check, runCertifyProgram } from '../provider/certify-program.ts';
import { type CommandContext, countOption, timeoutOption } from './options.ts';

const help = `
Examples:
  slipctl provider certify https://sandbox.acme.example                     what it would be sent; nothing is
  slipctl provider certify https://sandbox.acme.example --acceptance-delay-max 5000 --yes
  slipctl provider certify http://127.0.0.1:7001 --idempotent --listen 127.0.0.1:7002 --report acme.json --tape acme.ndjson

Makes orders in the sandbox through the gateway's own code for the protocol: asked about before they exist, repeated, repeated with
another amount, cut off, larger than a double holds; and says which of what the gateway relies on was kept. Never point it at a provider
that moves real money. PROVIDER_SECRET has the secret that the sandbox shares with us. SLIPSTREAM_CERTIFICATE_KEYS, as the gateway has it, signs
the report; without it --report is refused. Whoever gets the report verifies it with Node alone, by tools/verify-certificate.mjs of the repository:
  node tools/verify-certificate.mjs acme.json --key PUBLIC_KEY
Times are the longest that were seen: what a provider declares is its own word.`;

interface Flags {
  protocol: string;
  acceptanceDelayMax?: number;
  idempotent?: true;
  listen?: { host: string; port: number };
  currency: string;
  timeout: number;
  report?: string;
  tape?: string;
  yes?: true;
  json?: true;
}

export function addProvider(program: Command, context: CommandContext): void {
  const provider = program
    .command('provider')
    .description('Find out what a provider really does.')
    .addHelpText('after', `${help}\n${exitCodesHelp}`);
  provider
    .command('certify')
    .description(
      "Hold a provider's sandbox to the contract, and write a signed report of what it can do. Without --yes it sends nothing to other machines, and says what it would send.",
    )
    .argument('<url>', "the sandbox's base URL", urlOption)
    .option('--protocol <name>', 'how it is spoken to, as in the rules file', 'json-callback')
    .option('--acceptance-delay-max <ms>', 'the bound that its rules would declare', countOption)
    .option('--idempotent', 'its rules would declare idempotent_by_reference')
    .addOption(
      new Option('--listen <host:port>', 'where its callbacks come; else none is looked at').argParser(
        addressOption,
      ),
    )
    .option('--currency <code>', 'of the orders, ISO 4217', 'EUR')
    .addOption(timeoutOption('how long to wait for each thing it should do', '30s'))
    .option('--report <file>', 'write the signed report there')
    .option('--tape <file>', 'write every exchange there, byte for byte, as NDJSON')
    .option('--yes', 'send it, to another machine too')
    .option('--json', 'print the report as JSON')
    .addHelpText('after', `${help}\n${exitCodesHelp}`)
    .action((url: string, flags: Flags) => certify(url, flags, context));
}

async function certify(url: string, flags: Flags, { print, terminal, exit }: CommandContext): Promise<void> {
  const { PROVIDER_SECRET, SLIPSTREAM_CERTIFICATE_KEYS } = variables;
  if (!PROVIDER_SECRET) throw new CliError('usage', 'PROVIDER_SECRET is not set');
  if (flags.report && !SLIPSTREAM_CERTIFICATE_KEYS)
    throw new CliError('usage', '--report needs a key in SLIPSTREAM_CERTIFICATE_KEYS to sign with');
  await requireOutputs({ '--report': flags.report, '--tape': flags.tape });
  const settings = {
    ...{ url, protocol: flags.protocol, currency: flags.currency, waitMsMax: flags.timeout },
    acceptanceDelayMaxMs: flags.acceptanceDelayMax ?? null,
    idempotentByReference: flags.idempotent ?? false,
    listen: flags.listen ?? null,
  };
  const { isOnThisMachine, previewOf, previewText } = await import('../provider/preview.ts');
  if (!flags.yes && !isOnThisMachine(url)) {
    const preview = previewOf(url, flags);
    print(flags.json ? JSON.stringify(preview) : previewText(preview));
    terminal.say('nothing was sent: add --yes');
    return;
  }
  const progress = terminal.progress('checks');
  try {
    const secrets = {
      PROVIDER_SECRET,
      ...(SLIPSTREAM_CERTIFICATE_KEYS && { SLIPSTREAM_CERTIFICATE_KEYS }),
    };
    const certified = await runCertifyProgram(settings, secrets, (done, total) => {
      progress.update(done, total);
    });
    progress.stop();
    // Shown first: where a file cannot be written, what was found is not lost.
    print(flags.json ? JSON.stringify(certified.report) : reportText(certified));
    if (flags.report) await writeWhole(flags.report, [`${certified.signed}\n`]);
    if (flags.tape) await writeWhole(flags.tape, [certified.tape]);
    if (certified.report.checks.some(({ verdict }) => verdict === 'broken')) exit(exitCodes.bad);
  } finally {
    progress.stop();
  }
}

function reportText({ report: { checks, capabilities, exchanges } }: Certified): string {
  const rows = checks.map(({ check, verdict, detail }: Check) => [verdict.replace('_', ' '), check, detail]);
  const seen = Object.entries(capabilities).map(([name, value]) => [
    name,
    value === null ? '-' : String(value),
  ]);
  const broken = checks.filter(({ verdict }) => verdict === 'broken').length;
  const verdict = broken === 0 ? 'Nothing was broken.' : `${broken} of ${checks.length} were broken.`;
  return [
    table([['verdict', 'it', 'seen'], ...rows]),
    '',
    table([['capability', 'seen'], ...seen]),
    '',
    `${verdict} ${exchanges} exchanges.`,
  ].join('\n');
}

function urlOption(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new InvalidArgumentError('a URL is needed, like https://sandbox.acme.example');
  return text;
}

function addressOption(text: string): { host: string; port: number } {
  const [, host, port] = /^(.+):(\d{1,5})$/.exec(text) ?? [];
  if (host === undefined || Number(port) > 65_535)
    throw new InvalidArgumentError('host:port is needed, like 0.0.0.0:7002');
  return { host: host.replace(/^\[|\]$/g, ''), port: Number(port) };
}
