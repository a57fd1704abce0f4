import type { Transferable } from "node:worker_threads";

/** A result whose buffers move to the caller. Made by {@link transfer}. */
export class Transferred<T> {
  readonly value: T;
  readonly list: readonly Transferable[];

  constructor(value: T, list: readonly Transferable[]) {
    this.value = value;
    this.list = list;
  }
}

/**
 * Returns a value from a function of a pool's module and moves the buffers and ports of `list` to
 * the caller instead of copying them; the function's side has them no more. `value` holds them
 * somewhere.
 *
 * @example
 * import { transfer } from "unjam/threads";
 * export function noise(bytes: number) {
 *   const samples = crypto.getRandomValues(new Uint8Array(bytes));
 *   return transfer(samples, [samples.buffer]);
 * }
 * console.log(noise(16).value.length);
 */
export function transfer<T>(value: T, list: readonly Transferable[]): Transferred<T> {
  return new Transferred(value, list);
}
