import { alpha } from '../../../services/alpha/src/domain/pure.ts';
export const inside = alpha;
