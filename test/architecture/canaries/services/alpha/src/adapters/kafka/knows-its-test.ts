import { rig } from '../../../test/rig.ts';
export const leaked = rig;
