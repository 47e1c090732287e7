import { SingleBar } from 'cli-progress';
import { showSpan } from './show-time.ts';
import { visible } from './visible.ts';

/** How often a line tells of progress where there is no terminal to draw on. */
const lineEveryMs = 5_000;

export interface Progress {
  /** @param total what `done` will be at the end; absent: not known */
  update(done: number, total?: number, note?: string): void;
  stop(): void;
}

export interface Screen {
  readonly isTTY?: boolean | undefined;
  write(text: string): unknown;
}

/** Standard error: messages for people, and one progress bar at a time. Standard output belongs to the answer. */
export class Terminal {
  readonly #screen: Screen;
  readonly #nowMs: () => number;
  #bar: SingleBar | null = null;

  constructor(screen: Screen, nowMs: () => number) {
    this.#screen = screen;
    this.#nowMs = nowMs;
  }

  say(line: string): void {
    // The bar is drawn again, below the line, at its next update.
    this.#screen.write(`${this.#bar ? '\r\x1b[K' : ''}${visible(line)}\n`);
  }

  /** However the program ends: the cursor is shown again. */
  restore(): void {
    this.#bar?.stop();
    this.#bar = null;
  }

  progress(label: string): Progress {
    return this.#screen.isTTY ? this.#drawn(label) : this.#told(label);
  }

  #drawn(label: string): Progress {
    const bar = new SingleBar({
      format: `${label} {bar} {value}/{total} {note}`,
      stream: this.#screen as NodeJS.WritableStream,
      barsize: 24,
      barCompleteChar: '█',
      barIncompleteChar: '░',
      hideCursor: true,
      clearOnComplete: true,
      // Ending on a signal is the program's own affair.
      gracefulExit: false,
    });
    bar.start(1, 0, { note: '' });
    this.#bar = bar;
    const begunMs = this.#nowMs();
    return {
      update: (done, total, note = '') => {
        bar.setTotal(Math.max(total ?? done, 1));
        const pace = paceOf(done, total, this.#nowMs() - begunMs);
        bar.update(done, { note: [pace, note].filter((text) => text !== '').join(', ') });
      },
      stop: () => {
        bar.stop();
        this.#bar = null;
      },
    };
  }

  #told(label: string): Progress {
    let toldAtMs = this.#nowMs();
    return {
      update: (done, total, note = '') => {
        if (this.#nowMs() - toldAtMs < lineEveryMs) return;
        toldAtMs = this.#nowMs();
        this.say(`${label}: ${done}${total === undefined ? '' : ` of ${total}`}${note && ` (${note})`}`);
      },
      stop() {},
    };
  }
}

/** `1200/s, 14 s left`; nothing in the first second. */
function paceOf(done: number, total: number | undefined, ms: number): string {
  if (ms < 1_000 || done === 0) return '';
  const perSecond = (done * 1_000) / ms;
  const rate = `${perSecond < 10 ? perSecond.toFixed(1) : Math.round(perSecond)}/s`;
  if (total === undefined || total <= done) return rate;
  return `${rate}, ${showSpan(Math.ceil((total - done) / perSecond) * 1_000)} left`;
}
