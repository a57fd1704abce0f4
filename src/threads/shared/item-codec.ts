/**
 * Items as bytes and back. Whatever code of the user that runs (`toJSON`, getters) has run before a
 * block is claimed for the bytes.
 */
import { deserialize, serialize } from "node:v8";
import { UnjamError } from "../../core/errors.ts";
import { isError } from "../../core/is-error.ts";

/** How a queue writes values that are not bytes. */
export type ItemFormat = "json" | "clone";

/** What the bytes of an item are; stands in its block. */
export const TEXT = 0;
/** A text of one byte a character. */
export const ASCII = 1;
export const BYTES = 2;
export const CLONE = 3;

/** An item that is ready to be written. */
export type EncodedItem =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "bytes"; readonly tag: number; readonly bytes: Uint8Array };

/** @throws UNJAM_ITEM_NOT_SERIALIZABLE */
export function encodeItem(value: unknown, format: ItemFormat, queue: string): EncodedItem {
  if (value instanceof Uint8Array) return { kind: "bytes", tag: BYTES, bytes: value };
  if (format === "clone") return { kind: "bytes", tag: CLONE, bytes: cloned(value, queue) };
  return { kind: "text", text: jsonOf(value, queue) };
}

function jsonOf(value: unknown, queue: string): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (error) {
    throw refusal(queue, isError(error) ? error.message : "it threw");
  }
  if (text === undefined) throw refusal(queue, `it is ${typeof value}`);
  return text;
}

function cloned(value: unknown, queue: string): Uint8Array {
  try {
    return serialize(value);
  } catch (error) {
    throw refusal(queue, isError(error) ? error.message : "it threw");
  }
}

function refusal(queue: string, reason: string): UnjamError {
  return new UnjamError("UNJAM_ITEM_NOT_SERIALIZABLE", { queue, reason });
}

/** The bytes that an item takes, exactly. */
export function bytesOf(item: EncodedItem): number {
  return item.kind === "text" ? Buffer.byteLength(item.text) : item.bytes.byteLength;
}

/** Where the bytes of an item are. `memory` may be shared: what is made of it is not. */
export interface ItemBytes {
  readonly memory: Buffer;
  readonly start: number;
  readonly end: number;
  readonly tag: number;
}

export function decodeItem({ memory, start, end, tag }: ItemBytes): unknown {
  switch (tag) {
    case ASCII:
      return JSON.parse(memory.toString("latin1", start, end));
    case TEXT:
      return JSON.parse(memory.toString("utf8", start, end));
    case BYTES:
      return Uint8Array.from(memory.subarray(start, end));
    default:
      return deserialize(Buffer.from(memory.subarray(start, end)));
  }
}

/** For reports, which may read an item that is just being written: the beginning of its text, or its size. */
export function previewItem({ memory, start, end, tag }: ItemBytes): string {
  if (tag !== ASCII && tag !== TEXT) return `${end - start} bytes`;
  const text = memory.toString("utf8", start, Math.min(end, start + PREVIEW_BYTES));
  return end - start > PREVIEW_BYTES ? `${text}…` : text;
}

const PREVIEW_BYTES = 80;
