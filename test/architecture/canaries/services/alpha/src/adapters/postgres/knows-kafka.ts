import { consumer } from '../../../../../libs/kafka/src/consumer.ts';
export const mixed = consumer;
