import { alpha } from '../../alpha/src/domain/pure.ts';
export const beta = alpha;
