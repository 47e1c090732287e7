import { decodeSlipEvent } from '@slipstream/contracts';
import type { LogReader } from '@slipstream/kafka';
import type { SlipLog } from '../../application/quiet/ports.ts';

/** The slips' topic, read again. */
export function slipLog(reader: Pick<LogReader, 'values'>): SlipLog {
  return {
    async events(partition, offsets) {
      const values = await reader.values(partition, offsets);
      return new Map([...values].map(([offset, value]) => [offset, decodeSlipEvent(value)]));
    },
  };
}
