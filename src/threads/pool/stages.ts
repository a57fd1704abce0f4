/**
 * Shared memory in which long bytes wait for their thread, which copies them out. Unlike a buffer
 * that is transferred it stays here as well, so that a call can be taken back from one thread and
 * given to another. It is used again and again: fresh memory costs a page fault for each 4 KiB.
 */
import { POOL_STAGE_BYTES_MAX } from "../../core/limits.ts";

export class Stages {
  readonly #free = new Map<number, SharedArrayBuffer[]>();
  #freeBytes = 0;

  /** A copy of these bytes. */
  copy(bytes: Uint8Array): Uint8Array<SharedArrayBuffer> {
    const stage = new Uint8Array(this.#take(sizeFor(bytes.length)), 0, bytes.length);
    stage.set(bytes);
    return stage;
  }

  /** For a stage that no thread reads any more. */
  giveBack(memory: SharedArrayBuffer): void {
    if (this.#freeBytes + memory.byteLength > POOL_STAGE_BYTES_MAX) return;
    this.#freeBytes += memory.byteLength;
    const free = this.#free.get(memory.byteLength);
    if (free === undefined) this.#free.set(memory.byteLength, [memory]);
    else free.push(memory);
  }

  #take(size: number): SharedArrayBuffer {
    const found = this.#free.get(size)?.pop();
    if (found === undefined) return new SharedArrayBuffer(size);
    this.#freeBytes -= size;
    return found;
  }
}

/** Few sizes, so that most that is free fits. */
function sizeFor(bytes: number): number {
  return bytes > POOL_STAGE_BYTES_MAX ? bytes : 2 ** Math.ceil(Math.log2(bytes));
}
