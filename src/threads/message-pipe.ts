import type { Duplex } from "node:stream";
import { deserialize, serialize } from "node:v8";
import { invariant } from "../core/invariant.ts";
import { PIPE_MESSAGE_BYTES_MAX } from "../core/limits.ts";

/** Before each message stands how many bytes it has. */
const HEAD_BYTES = 4;

/**
 * One end of a pipe between two processes as a line of messages: plain data, in order. What arrives
 * before somebody listens is kept. Bytes that are no message close the pipe, and `fault` says why.
 */
export class MessagePipe<Received, Sent> {
  /** Resolves when nothing more can be said, and all that was said has been heard. */
  readonly closed: Promise<void>;
  readonly #stream: Duplex;
  readonly #early: Received[] = [];
  #handle: ((message: Received) => void) | undefined;
  #chunks: Buffer[] = [];
  #byteCount = 0;
  /** As many bytes are needed for the next message, as far as is known. */
  #wantedCount = HEAD_BYTES;
  #fault: string | undefined;

  constructor(stream: Duplex) {
    this.#stream = stream;
    this.closed = new Promise((resolve) => {
      stream.once("close", resolve);
    });
    // It closes after any error, and that is what counts.
    stream.on("error", () => undefined);
    stream.on("data", (chunk: Buffer) => this.#hear(chunk));
  }

  get fault(): string | undefined {
    return this.#fault;
  }

  /** @throws when there is something in it that cannot be cloned, such as a function */
  send(message: Sent): void {
    const body = serialize(message);
    const { byteLength } = body;
    invariant(
      byteLength <= PIPE_MESSAGE_BYTES_MAX,
      `a message of ${byteLength} bytes between two processes, where ${PIPE_MESSAGE_BYTES_MAX} are allowed`,
    );
    if (!this.#stream.writable) return;
    const head = Buffer.alloc(HEAD_BYTES);
    head.writeUInt32LE(byteLength);
    this.#stream.write(Buffer.concat([head, body]));
  }

  /** Set it once. */
  onMessage(handle: (message: Received) => void): void {
    this.#handle = handle;
    for (const message of this.#early.splice(0)) handle(message);
  }

  close(): void {
    this.#stream.destroy();
  }

  #hear(chunk: Buffer): void {
    const messages: Received[] = [];
    try {
      this.#decode(chunk, messages);
    } catch (error) {
      this.#fault = `what it says cannot be read: ${String(error)}`;
      this.close();
    }
    for (const message of messages) {
      if (this.#handle === undefined) this.#early.push(message);
      else this.#handle(message);
    }
  }

  /** Appends the messages that are complete with this chunk. */
  #decode(chunk: Buffer, messages: Received[]): void {
    this.#chunks.push(chunk);
    this.#byteCount += chunk.byteLength;
    // A large message comes in many chunks, which are put together once.
    if (this.#byteCount < this.#wantedCount) return;
    let rest = Buffer.concat(this.#chunks);
    for (;;) {
      this.#wantedCount = wantedBytes(rest);
      if (rest.byteLength < this.#wantedCount) break;
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what the other end's `send` was given.
      messages.push(deserialize(rest.subarray(HEAD_BYTES, this.#wantedCount)) as Received);
      rest = rest.subarray(this.#wantedCount);
    }
    this.#chunks = [rest];
    this.#byteCount = rest.byteLength;
  }
}

/** How many bytes the message at the beginning has with its head, or the head when it is not there yet. */
function wantedBytes(bytes: Buffer): number {
  if (bytes.byteLength < HEAD_BYTES) return HEAD_BYTES;
  const byteLength = bytes.readUInt32LE();
  if (byteLength > PIPE_MESSAGE_BYTES_MAX) throw new RangeError(`a message of ${byteLength} bytes`);
  return HEAD_BYTES + byteLength;
}
