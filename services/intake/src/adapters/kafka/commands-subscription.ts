import { topics } from '@slipstream/contracts';
import { readEach, type Subscription } from '@slipstream/kafka';
import type { IntakeTx } from '../../application/ports.ts';
import type { UseCases } from '../../application/use-cases.ts';
import { readCommand } from './read-command.ts';

export const commandsGroup = 'intake';

/** Consumes `slips.commands.v1`; `open` makes the port over the consumer's transaction. */
export function commandsSubscription<Tx>(
  useCases: Pick<UseCases, 'submitCommands'>,
  open: (tx: Tx) => IntakeTx,
): Subscription<Tx> {
  return {
    topic: topics.commands.name,
    group: commandsGroup,
    sequenced: false,
    async handle(tx, { partition, records }) {
      await useCases.submitCommands(open(tx), { partition, commands: readEach(records, readCommand) });
    },
  };
}
