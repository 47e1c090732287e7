import { createRequire } from 'node:module';
import './kafkajs-version.ts';

type Find = (of: object) => Promise<Found>;
interface Found {
  readonly host: string;
  readonly coordinator: { readonly nodeId: number };
  /** The broker answered that it is none of the caller's business. */
  readonly refused?: Error;
}

const load = createRequire(import.meta.url);
const broker = (load('kafkajs/src/broker') as { prototype: { findGroupCoordinator: Find } }).prototype;
const cluster = (load('kafkajs/src/cluster') as { prototype: { findGroupCoordinatorMetadata: Find } })
  .prototype;
const { findGroupCoordinator } = broker;
const { findGroupCoordinatorMetadata } = cluster;

/**
 * Who has no right to a group is told so by each broker that kafkajs 2.2.4 asks for its coordinator. It takes any error for a broker that does not know
 * yet, loses it, and says that there is no coordinator: that is waited for, and would be for ever. The refusal is carried past it here.
 */
broker.findGroupCoordinator = async function (of) {
  try {
    return await findGroupCoordinator.call(this, of);
  } catch (error) {
    if ((error as { type?: string }).type !== 'GROUP_AUTHORIZATION_FAILED') throw error;
    return { host: '', coordinator: { nodeId: -1 }, refused: error as Error };
  }
};

cluster.findGroupCoordinatorMetadata = async function (of) {
  const found = await findGroupCoordinatorMetadata.call(this, of);
  if (found.refused) throw found.refused;
  return found;
};
