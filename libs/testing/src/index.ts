export { type WaitOptions, waitFor } from './wait-for.ts';
