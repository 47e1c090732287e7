import { rig } from './spec-support.ts';
export const leaked = rig;
