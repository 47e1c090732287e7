import { join, relative } from 'node:path';
import type { Command } from 'commander';
import { setting } from '../config.ts';
import { CliError, exitCodesHelp } from '../exit.ts';
import { requireOutputs, writeNew } from '../output/whole-file.ts';
import { apiOf } from '../services.ts';
import { findSlip } from '../timeline/find-slip.ts';
import { type CommandContext, nameOption, timeoutOption } from './options.ts';

interface Flags {
  out: string;
  clock?: string;
  token?: string;
  timeout: number;
  json?: true;
}

/** An answer of `GET /v1/slips/:id/proof`: some of the slip's events. */
interface ProofView {
  readonly kind: string;
  readonly slip_id: string;
  /** Of the slip; the last event of the last part has it. */
  readonly version: number;
  readonly checkpoint: {
    readonly id: string;
    readonly at: string;
    readonly key: { readonly verifier_key: string };
  };
  readonly events: readonly { readonly version: number }[];
}

const help = `
Whoever gets the file verifies it with Node alone, by one script that needs nothing of ours (tools/verify-proof.mjs of the repository),
and with the ledger's public key, which must come to them another way. The exact command is printed with the proof:
  node tools/verify-proof.mjs proof.json --key VERIFIER_KEY

Examples:
  slipctl prove ord-1001 -o proof.json
  slipctl prove ord-1001 -o other.json --json | jq -r .verify`;

/** Checkpoints may be signed while a long slip is asked for in parts: all of a proof is of one. */
const triesMax = 5;

export function addProve(program: Command, { print }: CommandContext): void {
  program
    .command('prove')
    .description(
      "Write a proof that the signed log has a slip's events, byte for byte, to be verified without us.",
    )
    .argument('<slip>', 'a slip id or a reference')
    .requiredOption('-o, --out <file>', 'a new file (JSON)')
    .option('--clock <name>', 'where to look for the reference (default: the wall clock)', nameOption)
    .option(
      '--token <token>',
      'bearer token that may read metadata (else TOKEN_OPS): a proof has what was written beside the slip',
    )
    .addOption(timeoutOption('longest wait for one answer', '30s'))
    .option('--json', 'print {slip_id, events, checkpoint, file, verify}')
    .addHelpText('after', `${help}\n${exitCodesHelp}`)
    .action(async (name: string, flags: Flags) => {
      await requireOutputs({ '--out': flags.out });
      const api = apiOf('ledger', { ...flags, token: setting('operatorToken', flags.token) });
      const { id } = await findSlip(api, name, flags.clock ?? null);
      const proof = await wholeProof((after) =>
        api.get<ProofView>(`v1/slips/${id}/proof`, { after: String(after) }),
      );
      await writeNew(flags.out, `${JSON.stringify(proof)}\n`);
      const { checkpoint, events } = proof;
      const verify = ['node', script(), flags.out, '--key', checkpoint.key.verifier_key]
        .map(quoted)
        .join(' ');
      print(
        flags.json
          ? JSON.stringify({
              slip_id: id,
              events: events.length,
              checkpoint: checkpoint.id,
              file: flags.out,
              verify,
            })
          : `${events.length} events of slip ${id}, as they stand in the log of checkpoint ${checkpoint.id} (${checkpoint.at})\n` +
              `to verify it: ${verify}`,
      );
    });
}

/** Where the checkout is, as it is reached from here. */
const script = () => relative(process.cwd(), join(import.meta.dirname, '../../../../tools/verify-proof.mjs'));

/** As a shell takes it for one word. */
const quoted = (word: string) => (/^[\w./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);

/** @throws CliError (bad) when no checkpoint stood still for long enough */
export async function wholeProof(part: (after: number) => Promise<ProofView>): Promise<ProofView> {
  for (let tries = 1; tries <= triesMax; tries++) {
    const first = await part(0);
    const events = [...first.events];
    let isOfOne = true;
    while (isOfOne && (events.at(-1)?.version ?? first.version) < first.version) {
      const next = await part(events.at(-1)!.version);
      isOfOne = next.checkpoint.id === first.checkpoint.id && next.events.length > 0;
      events.push(...next.events);
    }
    if (isOfOne) return { ...first, events };
  }
  throw new CliError('bad', 'checkpoints were signed faster than the proof was read: try again');
}
