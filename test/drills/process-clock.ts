import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ServiceName } from '@slipstream/local';

/** The time of day that the processes of a service see; the monotonic clock is as it was. */
export class ProcessClock {
  /** Node loads it before the service. */
  readonly preload: string;
  readonly #aheadMs: string;

  constructor(folder: string, service: ServiceName) {
    this.#aheadMs = join(folder, `${service}-ahead-ms`);
    this.preload = join(folder, `${service}-clock.mjs`);
    this.set(0);
    writeFileSync(this.preload, clockModule(this.#aheadMs));
  }

  /** How far it is ahead; the processes look ten times a second. */
  set(aheadMs: number): void {
    writeFileSync(this.#aheadMs, String(aheadMs));
  }
}

function clockModule(file: string): string {
  return `import { readFileSync } from 'node:fs';
const real = Date;
let aheadMs = 0;
const look = () => { aheadMs = Number(readFileSync(${JSON.stringify(file)}, 'utf8')) || 0; };
look();
setInterval(look, 100).unref();
globalThis.Date = class Date extends real {
  constructor(...given) { given.length === 0 ? super(real.now() + aheadMs) : super(...given); }
  static now() { return real.now() + aheadMs; }
};
`;
}
