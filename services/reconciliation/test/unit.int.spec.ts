import { afterAll, beforeAll } from '@jest/globals';
import { sharedEnvironment } from '@slipstream/environment';
import { subscription } from '../src/adapters/kafka/slip-events.ts';
import { type DatabaseUnderTest, databaseUnderTest } from './database-under-test.ts';
import { describeUnit } from './unit-suite.ts';

const environment = sharedEnvironment();
let database: DatabaseUnderTest;
beforeAll(async () => {
  database = await databaseUnderTest(environment().databaseUrl);
});
afterAll(() => database?.close());

describeUnit('the unit on PostgreSQL', async () => ({
  lookout: database.lookout,
  inUnit: (work) => database.unitOfWork.run((tx) => work(database.unit(tx))),
  park: async (partition, slipId) => {
    await database.unitOfWork.query(
      'insert into parked_key (consumer_group, topic, partition, key) values ($1, $2, $3, $4)',
      [subscription.group, subscription.topic, partition, slipId],
    );
  },
}));
