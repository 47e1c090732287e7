import { readFileSync } from 'node:fs';

/** The program that people run with psql, word for word. */
export const checkSql = readFileSync(new URL('../sql/check.sql', import.meta.url), 'utf8');

export interface Broken {
  readonly invariant: string;
  readonly subject: string;
  readonly detail: string;
  readonly violations: number;
}
