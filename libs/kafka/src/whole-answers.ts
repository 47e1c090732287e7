import { createRequire } from 'node:module';
import net from 'node:net';
import type { ISocketFactory } from 'kafkajs';
import './kafkajs-version.ts';

const kafkajsSockets = (
  createRequire(import.meta.url)('kafkajs/src/network/socketFactory') as () => ISocketFactory
)();

/** What one read may take. One for each connection, used again and again. */
const readBytesMax = 256 * 1024;
/** Before each answer: its length (Kafka protocol, a signed integer of 32 bits). */
const lengthBytes = 4;
/** Longer than any answer: what is asked for is limited (`fetchBytesMax`), but for a batch that is larger by itself. */
const answerBytesMax = 256 * 1024 * 1024;
const keepAliveMs = 60_000;
/** What a listener of TLS answers to one who speaks in the clear: an alert of any version (RFC 8446 section 5.1). */
const tlsAlert = Buffer.from([0x15, 0x03]);

/**
 * Sockets that give kafkajs each answer in one piece. It keeps the chunks of Node's sockets until an answer is whole, and then
 * copies them into one: a fetch is garbage twice, outside of V8's heap, which answers by collecting all of it; and the length of
 * an answer and its beginning are two reads. With TLS they are kafkajs' own.
 */
export const wholeAnswers: ISocketFactory = ({ host, port, ssl, onConnect }) => {
  if (ssl) return kafkajsSockets({ host, port, ssl, onConnect });
  const answers = new Answers();
  const socket = net.connect(
    {
      ...{ host, port },
      onread: {
        buffer: Buffer.allocUnsafeSlow(readBytesMax),
        callback(count, bytes) {
          try {
            answers.read(bytes as Buffer, count, (answer) => socket.emit('data', answer));
          } catch (error) {
            socket.destroy(error as Error);
          }
          return true;
        },
      },
    },
    onConnect,
  );
  return socket.setKeepAlive(true, keepAliveMs);
};

/** Puts answers together from what is read, however it is cut. */
export class Answers {
  readonly #length = Buffer.alloc(lengthBytes);
  /** The answer, its length before it; null: of the length only `#filled` bytes are there. */
  #answer: Buffer | null = null;
  #filled = 0;

  /** Takes the first `count` of `bytes`, which may be used again afterwards. @throws Error when a length is absurd */
  read(bytes: Buffer, count: number, onAnswer: (answer: Buffer) => void): void {
    for (let at = 0; at < count; ) {
      const into: Buffer = this.#answer ?? this.#length;
      const taken = Math.min(into.length - this.#filled, count - at);
      bytes.copy(into, this.#filled, at, at + taken);
      this.#filled += taken;
      at += taken;
      if (this.#filled < into.length) return;
      if (this.#answer === null) this.#begin();
      else {
        this.#answer = null;
        this.#filled = 0;
        onAnswer(into);
      }
    }
  }

  #begin(): void {
    if (this.#length.subarray(0, tlsAlert.length).equals(tlsAlert))
      throw new Error('the broker speaks TLS there, and was spoken to in the clear');
    const length = this.#length.readInt32BE(0);
    if (length <= 0 || length > answerBytesMax) throw new Error(`an answer of ${length} bytes`);
    this.#answer = Buffer.allocUnsafe(lengthBytes + length);
    this.#length.copy(this.#answer);
  }
}
