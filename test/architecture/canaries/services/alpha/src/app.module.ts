import { telex } from './providers/telex/client.ts';
export const wired = telex;
