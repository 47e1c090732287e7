import { client } from '../../../../../libs/client/src/client.ts';
export const sdk = client;
