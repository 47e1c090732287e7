import { port } from '../../../../../apps/tool/src/port.ts';
export const busy = port;
