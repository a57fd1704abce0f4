import sharp from "sharp";
import type { CompressOrder } from "./compress-order.ts";

// Each job thread compresses one image at a time on one core; libvips would take all cores for each.
sharp.concurrency(1);
// Inputs differ from job to job: a cache would only hold memory.
sharp.cache(false);

/** Formats that are plain pixels: an SVG is a program that draws, and may name other files. */
const FORMATS = new Set(["jpeg", "png", "webp", "gif", "tiff", "heif", "avif"]);
/** About 200 MB when unpacked. A file of a few kB can claim to be as large as it likes. */
const PIXELS_MAX = 50_000_000;

export interface CompressedImage {
  readonly data: Buffer;
  readonly width: number;
  readonly height: number;
}

/** The input is no image that can be read; another try would fail the same way. */
export class BadImageError extends Error {
  override readonly name = "BadImageError";
}

/**
 * Makes a WebP of an image, in memory, so that whatever fails here is the image's fault and not the
 * disk's. `onStep` gets the share that is done.
 * @throws BadImageError
 */
export async function compressImage(
  input: Buffer,
  { width, quality }: CompressOrder,
  onStep: (share: number, note: string) => void,
): Promise<CompressedImage> {
  const source = sharp(input, { limitInputPixels: PIXELS_MAX });
  const { format } = await orBad(source.metadata());
  if (!FORMATS.has(format)) throw new BadImageError(`${format} is not a format for photographs`);

  onStep(0.1, `reading ${format}`);
  const { data: pixels, info } = await orBad(
    source
      .autoOrient()
      .resize({ width, withoutEnlargement: true })
      .raw()
      .toBuffer({ resolveWithObject: true }),
  );

  onStep(0.5, "compressing");
  const raw = { width: info.width, height: info.height, channels: info.channels };
  const data = await orBad(sharp(pixels, { raw }).webp({ quality }).toBuffer());

  onStep(0.9, "saving");
  return { data, width: info.width, height: info.height };
}

/** What `compressImage` said about an image that it made. */
export async function describeImage(data: Buffer): Promise<CompressedImage> {
  const { width, height } = await orBad(sharp(data).metadata());
  return { data, width, height };
}

async function orBad<T>(reading: Promise<T>): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new BadImageError(`not an image that can be read: ${reason}`, { cause: error });
  }
}
