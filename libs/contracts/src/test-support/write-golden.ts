import { addGolden } from './golden.ts';
import { sampleEvents } from './samples.ts';

console.log(`${addGolden(sampleEvents())} golden records added`);
