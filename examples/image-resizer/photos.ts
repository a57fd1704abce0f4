import sharp from "sharp";

const PHOTOS = 60;
const WIDTH = 640;
const HEIGHT = 480;
/** sharp works on libuv's threads, a photo on each; libvips would take all cores for each. */
sharp.concurrency(1);
sharp.cache(false);

export interface Photo {
  readonly name: string;
  readonly data: Buffer;
}

/** A surge of uploads. Each tenth was cut off on its way: its head says JPEG, its end is missing. */
export async function surge(): Promise<readonly Photo[]> {
  const noise = { type: "gaussian", mean: 128, sigma: 30 } as const;
  const create = { width: WIDTH, height: HEIGHT, channels: 3, background: "navy", noise } as const;
  const whole = await sharp({ create }).jpeg().toBuffer();
  const cut = whole.subarray(0, whole.length / 2);
  return Array.from({ length: PHOTOS }, (_, n) => ({
    name: `photo-${n}.jpg`,
    data: n % 10 === 7 ? cut : whole,
  }));
}

/** Resolves with the size of a small version. @throws when the photo cannot be read */
export async function resize({ data }: Photo): Promise<string> {
  const { info } = await sharp(data).resize({ width: 160 }).webp().toBuffer({
    resolveWithObject: true,
  });
  return `${info.width} x ${info.height}`;
}
