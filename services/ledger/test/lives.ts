import type { SeededRandom } from '@slipstream/kernel';
import type { SlipEvent, SuspenseDecision } from '@slipstream/slip';
import { at, eur, refundRequested, returned, slipOn, submitted } from './builders.ts';

/** What happens to slips of one partition, in the order of the log: usual lives and impossible ones. */
export function randomLives(
  random: SeededRandom,
  partition: number,
  slips: number,
): { readonly slipId: string; readonly clock: string; readonly event: SlipEvent }[] {
  const lives = Array.from({ length: slips }, (_, n) => {
    const isOdd = random.chance(0.1);
    const slipId = slipOn(partition, (tried) =>
      isOdd
        ? `odd "${n}" {${tried}}`
        : `00000000-0000-7000-8000-${String(n * 1_000 + tried).padStart(12, '0')}`,
    );
    const clock = random.chance(0.1) ? 'import-1' : 'wall';
    return randomLife(random).map((event) => ({
      slipId,
      event,
      clock: random.chance(0.02) ? 'import-2' : clock,
    }));
  });
  // Interleaved, each life in its own order.
  const steps = random.shuffle(lives.flatMap((life, n) => life.map(() => n)));
  return steps.map((n) => lives[n]!.shift()!);
}

const names = ['a', 'b', 'payer:a:held', 'é 💸', 'NULL', '{x,"y"}', 'back\\slash'];

function randomLife(random: SeededRandom): SlipEvent[] {
  const money = () =>
    random.chance(0.1)
      ? { amount: BigInt(random.integer(1, 900)), currency: 'JPY' }
      : eur(random.integer(1, 900));
  const submit = () =>
    submitted({
      kind: random.pick(['order', 'payment', 'payout'] as const),
      account: random.pick(names),
      counterparty: random.pick(names),
      amount: random.chance(0.1) ? null : random.chance(0.05) ? eur(2n ** 62n) : money(),
      overdraft: random.chance(0.3),
      overdraftLimit: random.chance(0.2) ? BigInt(random.integer(0, 900)) : null,
      reviewRequired: random.chance(0.1),
      provider: random.pick(['acme', 'bolt', null]),
      reference: random.pick(['r-1', 'r-2', '']),
    });
  const answer = () =>
    returned(random.pick(['succeeded', 'succeeded', 'failed', 'void'] as const), {
      amount: random.chance(0.5) ? null : random.chance(0.1) ? { amount: 0n, currency: 'EUR' } : money(),
      provider: random.pick(['acme', 'bolt', null]),
      reason: random.pick([null, 'AM04']),
      providerReference: random.pick([null, 'p-1', 'p-2']),
      evidence: random.pick(['signed_callback', 'statement_line'] as const),
      fee: random.chance(0.2) ? eur(random.integer(0, 9)) : null,
      bookedOn: random.pick([null, '2026-11-23', '2026-11-24']),
    });
  const decided = (
    decision: SuspenseDecision = random.pick(['give_back', 'uphold', 'write_off'] as const),
  ): SlipEvent => ({
    type: 'SuspenseDecided',
    data: {
      decision,
      provider: random.pick(['acme', 'bolt']),
      ...{ proposedBy: 'ann', approvedBy: 'bob', reason: 'so it is', note: '' },
    },
  });
  /** What the provider settled, denied, and people decided about: too seldom by chance alone. */
  const denied = (): SlipEvent[] => [
    returned('succeeded', { provider: 'acme' }),
    returned('failed', { provider: 'acme' }),
    ...(random.chance(0.8) ? [decided()] : []),
    ...(random.chance(0.2) ? [decided('give_back'), decided('write_off')] : []),
  ];
  /** More than any slip asks for. */
  const doubted = (): SlipEvent[] => [
    returned('succeeded', { provider: 'acme', amount: eur(2n ** 63n - 1n) }),
    ...(random.chance(0.8) ? [decided()] : []),
  ];
  /** What was executed comes back bit by bit, as statements show, perhaps told again. */
  const backInParts = (): SlipEvent[] => {
    const parts = Array.from({ length: random.integer(1, 4) }, (_, n) =>
      returned('failed', {
        ...{ provider: 'acme', evidence: 'statement_line', amount: eur(random.pick([1, 40, 60])) },
        bookedOn: random.pick(['2026-11-23', '2026-11-24']),
        occurrence: n % 3 === 2 ? 2 : null,
      }),
    );
    const after = random.pick([[], [returned('failed', { provider: 'acme' }), decided()], [decided()]]);
    return [returned('succeeded', { provider: 'acme', amount: eur(100) }), ...parts, ...after];
  };
  /** Executed bit by bit after it was given back. */
  const lateInParts = (): SlipEvent[] => [
    refundRequested(),
    ...['p-1', 'p-2', 'p-2', 'p-3'].map((providerReference) =>
      returned('succeeded', { provider: 'acme', providerReference, amount: eur(random.integer(1, 40)) }),
    ),
    ...(random.chance(0.5) ? [decided('write_off')] : []),
  ];
  const other = (): SlipEvent =>
    random.pick<SlipEvent>([
      { type: 'SlipOverdue', data: { stage: 'returned', deadline: at(600) } },
      { type: 'SlipNotReturned', data: { basis: 'not_executed', deadline: at(600) } },
      refundRequested(),
      refundRequested(),
      decided(),
      submit(),
    ]);
  const special = random.pick([denied, doubted, backInParts, lateInParts]);
  const answers = random.chance(0.2) ? special() : random.chance(0.8) ? [answer()] : [];
  const life = [submit(), ...answers];
  while (random.chance(0.35)) life.push(random.chance(0.5) ? answer() : other());
  return random.chance(0.05) ? random.shuffle(life) : life;
}
