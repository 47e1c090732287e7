import { store } from '../postgres/store.ts';
export const controller = store;
