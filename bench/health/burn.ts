import { createHash } from "node:crypto";

/**
 * CPU work that holds its thread: a chain of sha256 over one kilobyte, each link needing the one
 * before. A number of links, not a time: on a busy machine the work must stay the same.
 */
export function burn(links: number): number {
  const block = Buffer.alloc(1_024, 1);
  for (let link = 0; link < links; link++) {
    createHash("sha256").update(block).digest().copy(block);
  }
  return block[0] ?? 0;
}
