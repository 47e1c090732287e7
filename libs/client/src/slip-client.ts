import { type ConsumerOptions, SlipstreamConsumer } from './consumer.ts';
import { type AdvanceClockCommand, type PublisherOptions, SlipstreamPublisher } from './publisher.ts';
import type { ReportCommand, SubmitCommand } from './sound.ts';

/** Both directions as one object, by the names of the releases before. */
export interface SlipClient {
  submit(commands: readonly SubmitCommand[]): Promise<string[]>;
  report(results: readonly ReportCommand[]): Promise<string[]>;
  advanceClock(command: AdvanceClockCommand): Promise<void>;
  consumeEvents(
    options: Pick<ConsumerOptions, 'group' | 'from' | 'onBatch' | 'onFatal'>,
  ): Promise<{ stop(): Promise<void> }>;
  close(): Promise<void>;
}

/**
 * For programs that were written against the releases before; each call is one of {@link SlipstreamPublisher} or
 * {@link SlipstreamConsumer}, with its errors.
 * @deprecated Use those.
 */
export function createSlipClient(options: PublisherOptions): SlipClient {
  const publisher = new SlipstreamPublisher(options);
  const consumers = new Set<SlipstreamConsumer>();
  return {
    submit: (commands) => publisher.submitSlips(commands),
    report: (results) => publisher.reportProviderResults(results),
    advanceClock: (command) => publisher.advanceClock(command),
    async consumeEvents(stream) {
      const consumer = new SlipstreamConsumer({ ...options, ...stream });
      consumers.add(consumer);
      const stop = async () => {
        await consumer.stop();
        consumers.delete(consumer);
      };
      await consumer.start();
      return { stop };
    },
    async close() {
      await Promise.all([publisher, ...consumers].map((one) => one.stop()));
    },
  };
}
