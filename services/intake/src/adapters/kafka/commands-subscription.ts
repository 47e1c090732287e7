import { topics } from '@slipstream/contracts';
import { readEach, type Subscription } from '@slipstream/kafka';
import type { IntakeTx } from '../../application/ports.ts';
import type { UseCases } from '../../application/use-cases.ts';
import { readCommand } from './read-command.ts';

export const commandsGroup = 'intake';

/**
 * Consumes `slips.commands.v1`; `open` makes the port over the consumer's transaction, `beginTrace` a trace for a command that
 * comes without one.
 */
export function commandsSubscription<Tx>(
  useCases: Pick<UseCases, 'submitCommands'>,
  open: (tx: Tx) => IntakeTx,
  beginTrace: () => string,
): Subscription<Tx> {
  return {
    topic: topics.commands.name,
    group: commandsGroup,
    sequenced: false,
    async handle(tx, { partition, records }) {
      const commands = readEach(records, readCommand).map((command) =>
        command.type === 'advance' || command.traceparent !== null
          ? command
          : { ...command, traceparent: beginTrace() },
      );
      await useCases.submitCommands(open(tx), { partition, commands });
    },
  };
}
