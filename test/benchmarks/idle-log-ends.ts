import { allTopics } from '@slipstream/contracts';
import { createKafka, readLogBounds } from '@slipstream/kafka';

/** The number of records ever appended to the topics of the system. */
export async function readLogEnds(): Promise<number> {
  const kafka = createKafka({ brokers: process.env.KAFKA_BROKERS!.split(','), clientId: 'idle' });
  const admin = kafka.admin();
  await admin.connect();
  try {
    let sum = 0;
    for (const { name } of allTopics) {
      for (const { end } of (await readLogBounds(admin, name)).values()) sum += end;
    }
    return sum;
  } finally {
    await admin.disconnect();
  }
}
