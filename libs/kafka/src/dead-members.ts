import type { Admin, Kafka } from 'kafkajs';

interface Cluster {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  findGroupCoordinator(of: { groupId: string }): Promise<Coordinator>;
}

interface Coordinator {
  leaveGroup(member: { groupId: string; memberId: string }): Promise<unknown>;
}

/**
 * Takes out of the group what an earlier process of the same client id left in it. A process that was killed said no
 * goodbye: until its session has timed out the group lets nobody else in. Static membership (KIP-345) is the broker's
 * way to come back at once; kafkajs has neither that nor a public LeaveGroup.
 * @param clientId of this instance alone, and the same after a restart
 */
export async function removeDeadMembers(
  kafka: Kafka,
  admin: Admin,
  groupId: string,
  clientId: string,
): Promise<number> {
  const { groups } = await admin.describeGroups([groupId]);
  const dead = groups.flatMap(({ members }) => members).filter((member) => member.clientId === clientId);
  if (dead.length === 0) return 0;
  const cluster = newCluster(kafka);
  await cluster.connect();
  try {
    const coordinator = await cluster.findGroupCoordinator({ groupId });
    for (const { memberId } of dead) await coordinator.leaveGroup({ groupId, memberId });
  } finally {
    await cluster.disconnect();
  }
  return dead.length;
}

/** A connection of kafkajs 2.2.4 to all brokers, by the private method that its own clients are made with. */
function newCluster(kafka: Kafka): Cluster {
  const symbols = Object.getOwnPropertySymbols(kafka);
  const create = symbols.find((one) => one.description === 'private:Kafka:createCluster');
  if (!create) throw new Error('this version of kafkajs makes its clusters elsewhere');
  const make = (kafka as unknown as Record<symbol, (options: object) => Cluster>)[create]!;
  return make({ allowAutoTopicCreation: false });
}
