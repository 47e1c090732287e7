import { slipEventType, sources } from '@slipstream/contracts';
import type { LogReader } from '@slipstream/kafka';
import type { SlipEvent } from '@slipstream/slip';

/** Of statements, whose files and lines are not in the log. */
const ofStatements: ReadonlySet<string> = new Set<SlipEvent['type']>([
  'StatementLineMatched',
  'BreakOpened',
  'BreakResolved',
]);

/** A stretch of a partition, and up to which of our own numbers in it is known. */
interface Stretch {
  readonly partition: number;
  readonly from: number;
  readonly to: number;
  readonly knownSeq: number;
}

/** Whether our own events tell there of lines that were matched, or of breaks. */
export async function tellsOfStatements(
  reader: Pick<LogReader, 'walk'>,
  { partition, from, to, knownSeq }: Stretch,
): Promise<boolean> {
  let isTold = false;
  await reader.walk(partition, from, to, (event) => {
    if (!event.peek() || event.source !== sources.reconciliation || event.sequence <= knownSeq) return;
    isTold ||= ofStatements.has(slipEventType(event.type) ?? '');
  });
  return isTold;
}
