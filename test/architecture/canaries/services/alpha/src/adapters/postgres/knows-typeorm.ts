import { DataSource } from 'typeorm';
export const pool = DataSource;
