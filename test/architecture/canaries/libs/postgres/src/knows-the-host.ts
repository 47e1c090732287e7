import { host } from '../../service-host/src/host.ts';
export const upward = host;
