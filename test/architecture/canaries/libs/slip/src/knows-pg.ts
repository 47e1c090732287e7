import { kernel } from '../../kernel/src/reads-files.ts';
import type { Pool } from 'pg';
export type Impure = Pool & typeof kernel;
