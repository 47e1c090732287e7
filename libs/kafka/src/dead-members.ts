import type { Admin, Kafka } from 'kafkajs';
import { withCluster } from './cluster.ts';

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
  return withCluster(kafka, async (cluster) => {
    const coordinator = await cluster.findGroupCoordinator({ groupId });
    for (const { memberId } of dead) await coordinator.leaveGroup({ groupId, memberId });
    return dead.length;
  });
}
