export const rig = 1;
