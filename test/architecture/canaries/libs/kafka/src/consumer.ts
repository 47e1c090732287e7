import { Kafka } from 'kafkajs';
export const consumer = Kafka;
