/** What a consumer counts; plain callbacks, so that any metrics library fits. */
export interface ConsumerMetrics {
  /** A transaction was committed with `records` new ones, of which the first was appended at `appendedMs`; null: with none. */
  batchHandled?(
    topic: string,
    partition: number,
    records: number,
    durationMs: number,
    appendedMs: number | null,
  ): void;
  resent?(topic: string, partition: number, records: number): void;
  deadLettered?(topic: string, partition: number, reason: string): void;
  /** A transient error: the partition waits and tries again. */
  retried?(topic: string, partition: number, errorClass: string): void;
  /** A partition waits because of an error that is no record's own; or has gone on. */
  waiting?(topic: string, partition: number, isWaiting: boolean): void;
  fenced?(topic: string, partition: number): void;
  /** A partition stopped until people look: records were lost, a number stands for two events, or the topic is another one; or has gone on. */
  stopped?(topic: string, partition: number, isStopped: boolean): void;
  /** Records not handled yet, as the watchdog sees them. */
  lag?(topic: string, partition: number, records: number): void;
  /** A partition is not this consumer's any more: how it is, is for whoever has it now to tell. */
  left?(topic: string, partition: number): void;
}
