/** The group under which the ledger's instances share the partitions of the log, and their places are kept. */
export const consumerGroup = 'ledger';
