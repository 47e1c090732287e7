import { addGolden } from './golden.ts';
import { sampleEvents, sampleOpsEvents } from './samples.ts';

console.log(`${addGolden([...sampleEvents(), ...sampleOpsEvents()])} golden records added`);
