import { decodeInbound, type Inbound, topics } from '@slipstream/contracts';
import {
  type Batch,
  type ConsumedRecord,
  RecordRejected,
  readEach,
  type Subscription,
} from '@slipstream/kafka';
import { type Instant, instantFromMs, nameProblem } from '@slipstream/kernel';
import { wallClock } from '@slipstream/slip';
import type { ClockMark, StoreTx } from '../../application/ports.ts';
import type { UseCases } from '../../application/use-cases.ts';
import { asStored, type ReportedResult } from '../../domain/result/reported-result.ts';

export const resultsGroup = 'provider-gateway-results';

/** Takes what other internal services report for slips of routes of mode `reported`. */
export function reportedResults<Tx>(parts: {
  readonly does: Pick<UseCases, 'receiveResults'>;
  readonly open: (tx: Tx) => StoreTx;
}): Subscription<Tx> {
  return {
    topic: topics.results.name,
    group: resultsGroup,
    sequenced: false,
    async handle(tx, batch) {
      const { results, marks, records } = read(batch);
      const refused = await parts.does.receiveResults(parts.open(tx), { results, marks });
      RecordRejected.throwAll(refused.map(({ index, detail }) => ({ record: records[index]!, detail })));
    },
  };
}

interface ReadBatch {
  readonly results: ReportedResult[];
  readonly marks: ClockMark[];
  /** The record of each result. */
  readonly records: ConsumedRecord[];
}

function read(batch: Batch): ReadBatch {
  const found: ReadBatch = { results: [], marks: [], records: [] };
  readEach(batch.records, (record) => {
    try {
      readInto(found, record, decodeInbound(record));
    } catch (cause) {
      throw new RecordRejected(record, (cause as Error).message, { cause });
    }
  });
  return found;
}

function readInto(found: ReadBatch, record: ConsumedRecord, inbound: Inbound): void {
  const { command } = inbound;
  switch (command.type) {
    case 'ReportResult':
      found.results.push(
        asStored({
          ...command.data,
          caller: inbound.caller,
          id: inbound.id,
          clock: inbound.clock,
          receivedAt: receiptTime(record, inbound),
          position: record.offset,
        }),
      );
      found.records.push(record);
      return;
    case 'AdvanceClock': {
      const { clock, time, close } = command.data;
      const problem = nameProblem(clock);
      if (problem !== null) throw new Error(`clock ${problem}`);
      if (clock === wallClock) throw new Error('the wall clock cannot be advanced');
      if (time === null) throw new Error('AdvanceClock has no time');
      found.marks.push({ clock, partition: record.partition, time, closed: close });
      return;
    }
    default:
      throw new Error(`${command.type} does not belong on ${record.topic}`);
  }
}

/** When the report became durable here: the broker's append time, or on another clock the reporter's own time (rule 6). */
function receiptTime(record: ConsumedRecord, inbound: Inbound): Instant {
  if (inbound.clock === wallClock) return instantFromMs(record.timestampMs);
  if (inbound.time === null) throw new Error(`a report on the clock ${inbound.clock} needs a time`);
  return inbound.time;
}
