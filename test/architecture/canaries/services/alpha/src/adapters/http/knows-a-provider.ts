import { registry } from '../../providers/registry.ts';
export const direct = registry;
