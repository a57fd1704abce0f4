/** The server and every job thread import this module: no server starts here, and no app opens. */
import { giveUp, task } from "unjam";
import { audit } from "./audit.ts";
import type { CompressOrder } from "./compress-order.ts";
import { BadImageError, compressImage } from "./image-compressor.ts";
import { MediaStore, type Upload } from "./media-store.ts";
import { countPrimes } from "./primes.ts";
import { readSettings } from "./settings.ts";

const DAY_MS = 86_400_000;

const media = new MediaStore(readSettings(process.env).dataFolder);

export interface CompressResult {
  readonly url: string;
  readonly bytes: number;
  readonly bytesBefore: number;
  readonly width: number;
  readonly height: number;
}

/**
 * Makes the image of an upload. It may be run again after a crash at any point: the image has its
 * name only when it is whole, and the upload goes only when the image is there.
 */
export const compress = task(
  "compress",
  { queue: "images", runs: "thread", timeoutMs: 30_000, keep: { doneMs: DAY_MS } },
  async ({ id, bytes: bytesBefore, ...order }: Upload & CompressOrder, ctx) => {
    audit("begin", { id, attempt: ctx.attempt, token: ctx.token });
    const input = await media.readUpload(id);
    if (input === undefined) {
      throw giveUp("the upload is gone");
    }
    try {
      const image = await compressImage(input, order, (share, note) => ctx.progress(share, note));
      await media.saveImage(id, image.data);
      audit("end", { id, attempt: ctx.attempt, token: ctx.token });
      const { width, height } = image;
      return { url: `/api/v1/media/${id}`, bytes: image.data.length, bytesBefore, width, height };
    } catch (error) {
      throw error instanceof BadImageError ? giveUp(error.message) : error;
    }
  },
);
