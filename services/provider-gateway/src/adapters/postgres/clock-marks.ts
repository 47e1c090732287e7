import { advanceClocks, runningClocks, type Tx } from '@slipstream/postgres';
import type { ClockMarkStore } from '../../application/ports.ts';

/** @param topic the inbound topic on which results are reported */
export function clockMarks(tx: Tx, topic: string): ClockMarkStore {
  return {
    advance: (marks) => advanceClocks(tx, topic, marks),
    all: () => runningClocks(tx, topic),
  };
}
