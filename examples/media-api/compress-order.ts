import { RequestError } from "./request-error.ts";

const WIDTH_DEFAULT = 1_280;
const WIDTH_MAX = 8_192;
const QUALITY_DEFAULT = 75;

/** How an image is to be compressed. */
export interface CompressOrder {
  /** Pixels; a narrower image keeps its width. */
  readonly width: number;
  /** 1 to 100. */
  readonly quality: number;
}

/** @throws RequestError 400 */
export function readCompressOrder(given: {
  readonly width?: unknown;
  readonly quality?: unknown;
}): CompressOrder {
  return {
    width: given.width === undefined ? WIDTH_DEFAULT : readWhole("width", given.width, WIDTH_MAX),
    quality:
      given.quality === undefined ? QUALITY_DEFAULT : readWhole("quality", given.quality, 100),
  };
}

/** A whole number from 1 to `max`; a form sends it as text. @throws RequestError 400 */
export function readWhole(name: string, value: unknown, max: number): number {
  const number = typeof value === "string" && /^\d{1,9}$/.test(value) ? Number(value) : value;
  if (typeof number === "number" && Number.isInteger(number) && number >= 1 && number <= max) {
    return number;
  }
  const got = typeof value === "object" ? "something else" : JSON.stringify(value);
  throw new RequestError(
    400,
    "BAD_NUMBER",
    `${name} is a whole number from 1 to ${max}, not ${String(got).slice(0, 40)}`,
  );
}
