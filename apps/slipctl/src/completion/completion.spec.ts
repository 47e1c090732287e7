import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { Terminal } from '../output/terminal.ts';
import { buildProgram } from '../program.ts';
import { candidates } from './candidates.ts';
import { knownWords } from './known-words.ts';
import { completionScripts } from './scripts.ts';

const program = buildProgram({
  ...{ terminal: new Terminal({ write() {} }, () => 0), nowMs: () => 0, print() {}, async write() {} },
  ...{ exit() {}, refuse() {}, interruptible: () => new AbortController().signal },
});
const complete = (line: string) => candidates(program, line.split(' '), knownWords);

describe('completion', () => {
  it.each<[string, string[]]>([
    ['statu', ['status']],
    ['dlq ', ['dismiss', 'list', 'redrive', 'show', 'slips']],
    ['config d', ['diff']],
    ['dlq list --serv', ['--service']],
    ['dlq list --service ga', ['gateway']],
    ['dlq list --service gateway l', ['ledger']],
    ['dlq list --service gateway --re', ['--reason']],
    ['projection rebuild s', ['slips', 'statistics']],
    ['completion ', ['bash', 'fish', 'zsh']],
    ['cases --status o', ['open']],
    ['replay --out ', []],
    ['slips --status ref', ['refunded']],
    ['slips --status settled --case o', ['open']],
    ['slips --not-returned --kind pay', ['payment', 'payout']],
    ['export slips --outcome ', ['failed', 'succeeded', 'void']],
    ['cases --cause third', ['third_party']],
    ['tail --type slipstream.slip.over', ['slipstream.slip.overdue.v1']],
    ['breaks --type d', ['duplicate']],
    ['timeline ', []],
    ['fly ', expect.arrayContaining(['status', 'replay']) as never],
  ])('of %p', (line, expected) => expect(complete(line)).toEqual(expected));

  it('names every command, and not the one that shells ask', () => {
    const all = program.commands.map((command) => command.name()).filter((name) => name !== 'complete');
    expect(complete('')).toEqual(all.toSorted());
  });

  it('works in a bash', () => {
    const launcher = join(import.meta.dirname, '../../bin/slipctl.mjs');
    const script = `slipctl() { "${process.execPath}" "${launcher}" "$@"; }
${completionScripts.bash}
COMP_WORDS=(slipctl projection re); COMP_CWORD=2; _slipctl; echo "\${COMPREPLY[@]}"
COMP_WORDS=(slipctl slips --status not_ret); COMP_CWORD=3; _slipctl; echo "\${COMPREPLY[@]}"
COMP_WORDS=(slipctl projection rebuild ""); COMP_CWORD=3; _slipctl; echo "\${COMPREPLY[@]}"`;
    const { stdout, stderr } = spawnSync('bash', ['-c', script], { encoding: 'utf8' });
    expect([stdout, stderr]).toEqual([
      'rebuild\nnot_returned\naccounts slips statistics tags transactions\n',
      '',
    ]);
  });
});
