/** The server and every job thread import this module: no server starts here, and no app opens. */
import { giveUp, type JobContext, task } from "unjam";
import { audit } from "./audit.ts";
import type { CompressOrder } from "./compress-order.ts";
import {
  BadImageError,
  type CompressedImage,
  compressImage,
  describeImage,
} from "./image-compressor.ts";
import { MediaStore, type Upload } from "./media-store.ts";
import { primesBelow } from "./primes.ts";
import { dataFolderIn } from "./settings.ts";

const DAY_MS = 86_400_000;

const media = new MediaStore(dataFolderIn(process.env));

/**
 * Makes the image of an upload. It may be run again after a crash at any point: the image has its
 * name only when it is whole, and the upload goes only when the image is there.
 */
export const compress = task(
  "compress",
  { queue: "images", runs: "thread", timeoutMs: 30_000, keep: { doneMs: DAY_MS } },
  async ({ id, bytes: bytesBefore, ...order }: Upload & CompressOrder, ctx) => {
    audit("begin", { id, attempt: ctx.attempt, token: ctx.token });
    const { data, width, height } = await makeImage(id, order, ctx);
    await media.removeUpload(id);
    audit("end", { id, attempt: ctx.attempt, token: ctx.token });
    return { url: `/api/v1/media/${id}`, bytes: data.length, bytesBefore, width, height };
  },
);

async function makeImage(
  id: string,
  order: CompressOrder,
  ctx: JobContext,
): Promise<CompressedImage> {
  // An attempt that was cut between its last two steps has done the work already.
  const made = await media.readImage(id);
  if (made !== undefined) return describeImage(made);
  const input = await media.readUpload(id);
  if (input === undefined) throw giveUp("the upload is gone");
  try {
    const image = await compressImage(input, order, (share, note) => ctx.progress(share, note));
    await media.saveImage(id, image.data);
    return image;
  } catch (error) {
    // A disk may recover, so its errors are tried again; an image stays as it is.
    throw error instanceof BadImageError ? giveUp(error.message) : error;
  }
}

/** Work that is nothing but CPU: how many primes there are below a number. */
export const countPrimes = task(
  "countPrimes",
  { queue: "compute", runs: "thread", timeoutMs: 60_000, keep: { doneMs: DAY_MS } },
  async ({ below }: { below: number }, ctx) => ({
    primes: primesBelow(below, (share) => ctx.progress(share)),
  }),
);
