/** A picture as a PPM file (P6), the simplest format there is: a head in ASCII, then three bytes a pixel. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8Array;
}

export function writePicture({ width, height, pixels }: Picture): Buffer {
  return Buffer.concat([Buffer.from(`P6\n${width} ${height}\n255\n`), pixels]);
}

/** @throws what is wrong with the file, in words */
export function readPicture(file: Buffer): Picture {
  const head = /^P6\n(\d+) (\d+)\n255\n/.exec(file.subarray(0, 64).toString("latin1"));
  if (head === null) throw new Error("it is not a P6 picture");
  const [width, height] = [Number(head[1]), Number(head[2])];
  const pixels = file.subarray(head[0].length);
  if (pixels.length !== width * height * 3) {
    throw new Error(`it has ${pixels.length} of its ${width * height * 3} bytes`);
  }
  return { width, height, pixels };
}

/** Half as wide and half as high, by the mean of each square of four pixels. */
export function halve({ width, height, pixels }: Picture): Picture {
  const [half, rows] = [width >> 1, height >> 1];
  const small = new Uint8Array(half * rows * 3);
  const at = (x: number, y: number, colour: number): number =>
    pixels[(y * width + x) * 3 + colour] ?? 0;
  for (let index = 0; index < small.length; index++) {
    const [pixel, colour] = [Math.floor(index / 3), index % 3];
    const [x, y] = [(pixel % half) * 2, Math.floor(pixel / half) * 2];
    const sum =
      at(x, y, colour) + at(x + 1, y, colour) + at(x, y + 1, colour) + at(x + 1, y + 1, colour);
    small[index] = sum >> 2;
  }
  return { width: half, height: rows, pixels: small };
}
