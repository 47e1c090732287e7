import { consumer } from '../../kafka/src/consumer.ts';
export const relay = consumer;
