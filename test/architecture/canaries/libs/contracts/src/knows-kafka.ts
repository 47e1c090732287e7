import { consumer } from '../../kafka/src/consumer.ts';
export const upward = consumer;
