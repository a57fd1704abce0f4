import { closeSync, openSync, readSync, writeSync } from "node:fs";
import { StoreFile } from "./store-file.ts";

/** A store's file with rubbish over some of its bytes, until it is healed. */
export class Mutilated implements Disposable {
  readonly #descriptor: number;
  readonly #bytes: Buffer;
  readonly #at: number;

  /** @param at from which byte on; by default the header, by which SQLite knows its files */
  constructor(file: string, { at = 0, length = 16 }: { at?: number; length?: number } = {}) {
    {
      // Into the file itself with it, or the log would hide the rubbish.
      using store = StoreFile.open(file);
      store.db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    }
    this.#at = at;
    this.#descriptor = openSync(file, "r+");
    this.#bytes = Buffer.alloc(length);
    readSync(this.#descriptor, this.#bytes, 0, length, at);
    writeSync(this.#descriptor, Buffer.alloc(length, 0xa5), 0, length, at);
  }

  /** Puts the old bytes back. */
  heal(): void {
    writeSync(this.#descriptor, this.#bytes, 0, this.#bytes.length, this.#at);
  }

  [Symbol.dispose](): void {
    closeSync(this.#descriptor);
  }
}
