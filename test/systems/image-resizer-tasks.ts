import { readFile, writeFile } from "node:fs/promises";
import { task, type Task } from "../../src/index.ts";
import { halve, readPicture, writePicture } from "./picture.ts";

interface Resized {
  readonly width: number;
  readonly height: number;
}

/** Halves a picture file; a corrupt one fails with what is wrong with it. */
export const resize: Task<{ readonly from: string; readonly to: string }, Resized> = task(
  "resize",
  { queue: "images", runs: "thread", attempts: 2, backoff: { firstMs: 1 } },
  async ({ from, to }: { readonly from: string; readonly to: string }) => {
    const small = halve(readPicture(await readFile(from)));
    await writeFile(to, writePicture(small));
    return { width: small.width, height: small.height };
  },
);
