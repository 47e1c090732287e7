import { closeSync, fstatSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

const SIZE_MAX_BYTES = 10 * 1024 * 1024;

/** A process's output on disk: at most two files of `sizeMaxBytes`, the older one named `.1`. */
export class LogFile {
  private fd: number;
  private sizeBytes: number;

  constructor(
    readonly path: string,
    private readonly sizeMaxBytes = SIZE_MAX_BYTES,
  ) {
    mkdirSync(dirname(path), { recursive: true });
    this.fd = openSync(path, 'a');
    this.sizeBytes = fstatSync(this.fd).size;
  }

  write(chunk: Buffer | string): void {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    if (this.sizeBytes > 0 && this.sizeBytes + bytes.length > this.sizeMaxBytes) this.rotate();
    writeSync(this.fd, bytes);
    this.sizeBytes += bytes.length;
  }

  /** The last lines, to be shown with a failure. */
  tail(lines = 15): string {
    return readFileSync(this.path, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
  }

  close(): void {
    closeSync(this.fd);
  }

  private rotate(): void {
    closeSync(this.fd);
    renameSync(this.path, `${this.path}.1`);
    this.fd = openSync(this.path, 'a');
    this.sizeBytes = 0;
  }
}
