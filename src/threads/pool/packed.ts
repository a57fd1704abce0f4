/**
 * Values on their way between main and a thread. A value arrives as `structuredClone` would make
 * it; which way it goes is chosen by what it is:
 *
 * - Scalars, texts, bytes, and plain data that JSON can carry without loss lie in the ring itself.
 *   JSON is what V8 writes and reads fastest: 0.4 µs for a small object, where its serializer takes
 *   4 to 6 µs.
 * - Everything else that the serializer knows (dates, maps, cycles, errors, `undefined` inside an
 *   object) is written by it, in the ring too.
 * - What is long is sent over a port beside the ring: a text as it is, bytes by transfer, or in
 *   shared memory where the sender must be able to take them back.
 * - What only a port can carry (something to transfer, a shared buffer, a key) is sent as it is.
 *
 * Reading the value happens here and nowhere else, before the pool changes anything: getters,
 * `toJSON` and proxies are the caller's code and may call the pool.
 */
import {
  MessageChannel,
  MessagePort,
  receiveMessageOnPort,
  type Transferable,
} from "node:worker_threads";
import { Deserializer, Serializer } from "node:v8";
import { invariant } from "../../core/invariant.ts";
import { type ByteRing, FIELD, TEXT_BYTES_MAX } from "./byte-ring.ts";
import type { Stages } from "./stages.ts";

/** How a record's body is to be read. From `sentText` on the value came over the port. */
export const FORMAT = {
  undefined: 0,
  null: 1,
  true: 2,
  false: 3,
  number: 4,
  text: 5,
  narrowText: 6,
  json: 7,
  narrowJson: 8,
  bytes: 9,
  structured: 10,
  sentText: 11,
  sentJson: 12,
  sentBytes: 13,
  sentStructured: 14,
  sentPort: 15,
  sentValue: 16,
  sentShared: 17,
} as const;

/** Longer bodies go over the port: the ring must have room for many. In characters or bytes. */
const INLINE_MAX = 16_384;
/** Deeper than this the serializer decides, which also knows cycles. */
const DEPTH_MAX = 64;
export type PackedBody = string | number | Uint8Array | MessagePort | undefined;

/** A value that was read, and waits to be written to a ring or sent. */
export interface Packed {
  format: number;
  body: PackedBody;
}

export function isSent(format: number): boolean {
  return format >= FORMAT.sentText;
}

/** Whether it can be sent once more, to another thread. */
export function isKept(format: number): boolean {
  return (
    !isSent(format) ||
    format === FORMAT.sentText ||
    format === FORMAT.sentJson ||
    format === FORMAT.sentShared
  );
}

/**
 * Reads a value, once and for good: what the caller changes afterwards does not count. With
 * `stages` long bytes are copied there, and kept.
 * @throws DataCloneError, and whatever the value's own code throws
 */
export function pack(value: unknown, into: Packed, stages?: Stages): void {
  switch (typeof value) {
    case "undefined":
      return set(into, FORMAT.undefined, undefined);
    case "boolean":
      return set(into, value ? FORMAT.true : FORMAT.false, undefined);
    case "number":
      return set(into, FORMAT.number, value);
    case "string":
      return set(into, value.length > INLINE_MAX ? FORMAT.sentText : FORMAT.text, value);
    case "object":
      return packObject(value, into, stages);
    default:
      return packByPort(value, [], into);
  }
}

function set(into: Packed, format: number, body: PackedBody): void {
  into.format = format;
  into.body = body;
}

function packObject(value: object | null, into: Packed, stages: Stages | undefined): void {
  if (value === null) return set(into, FORMAT.null, undefined);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Uint8Array.prototype || prototype === Buffer.prototype) {
    return packBytes(value, into, stages);
  }
  if (!isJsonData(value)) return packStructured(value, into);
  const text = JSON.stringify(value);
  return set(into, text.length > INLINE_MAX ? FORMAT.sentJson : FORMAT.json, text);
}

/** A copy of what is seen, not of the pool of 8 KiB that a small Buffer lies in. */
function packBytes(value: object, into: Packed, stages: Stages | undefined): void {
  // Shared memory stays shared, and that only a port can do.
  if (!(value instanceof Uint8Array) || !(value.buffer instanceof ArrayBuffer)) {
    return packStructured(value, into);
  }
  if (value.length <= INLINE_MAX) return set(into, FORMAT.bytes, new Uint8Array(value));
  if (stages === undefined) return set(into, FORMAT.sentBytes, new Uint8Array(value));
  return set(into, FORMAT.sentShared, stages.copy(value));
}

function packStructured(value: object, into: Packed): void {
  const serializer = new Serializer();
  serializer.writeHeader();
  let isWritten = false;
  try {
    serializer.writeValue(value);
    isWritten = true;
  } catch {
    // Something that the serializer alone cannot do; the port can, or says what is wrong with it.
  }
  if (!isWritten) return packByPort(value, [], into);
  const { buffer, byteOffset, length } = serializer.releaseBuffer();
  const bytes = new Uint8Array(buffer, byteOffset, length);
  return set(into, bytes.length > INLINE_MAX ? FORMAT.sentStructured : FORMAT.structured, bytes);
}

/** Puts the value into a port of its own, which is then sent: it is read now, and transfers happen now. */
export function packByPort(value: unknown, transfer: readonly Transferable[], into: Packed): void {
  const { port1, port2 } = new MessageChannel();
  try {
    port1.postMessage(value, [...transfer]);
  } catch (error) {
    port1.close();
    throw error;
  }
  set(into, FORMAT.sentPort, port2);
}

/**
 * Whether `JSON.parse(JSON.stringify(value))` is what `structuredClone(value)` is. Takes half as
 * long as the stringify. Names that an array has beside its items are looked for only where the
 * language itself makes them, on the result of a match: a list of names per array would double that.
 */
export function isJsonData(value: object): boolean {
  return isPlain(value, { depth: 0, objects: undefined });
}

/** Where a look at plain data has come to. `objects`: those seen, below the first. */
interface Look {
  depth: number;
  objects: Set<object> | undefined;
}

function isPlain(value: object, look: Look): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (Array.isArray(value)) return prototype === Array.prototype && isPlainArray(value, look);
  if (prototype !== Object.prototype && prototype !== null) return false;
  if ("toJSON" in value) return false;
  for (const name in value) {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the name was just read from it.
    if (!isPlainItem((value as Record<string, unknown>)[name], look)) return false;
  }
  return true;
}

function isPlainArray(
  items: readonly unknown[] & { readonly index?: unknown },
  look: Look,
): boolean {
  if (items.index !== undefined) return false;
  const { length } = items;
  for (let index = 0; index < length; index++) {
    if (!isPlainItem(items[index], look)) return false;
  }
  return true;
}

function isPlainItem(value: unknown, look: Look): boolean {
  switch (typeof value) {
    case "string":
    case "boolean":
      return true;
    case "number":
      // NaN and the infinities would become null, and -0 would become 0.
      return value - value === 0 && (value !== 0 || 1 / value > 0);
    case "object": {
      if (value === null) return true;
      if (look.depth >= DEPTH_MAX) return false;
      // An object that is met twice is one object afterwards too; JSON would make two of it.
      const objects = (look.objects ??= new Set());
      const { size } = objects;
      if (objects.add(value).size === size) return false;
      look.depth++;
      const isAll = isPlain(value, look);
      look.depth--;
      return isAll;
    }
    default:
      return false;
  }
}

/** How much room a body may need in a ring, in bytes. */
export function bodyBytesMax({ format, body }: Packed): number {
  if (typeof body === "string" && !isSent(format)) return TEXT_BYTES_MAX * body.length;
  if (format === FORMAT.number) return Float64Array.BYTES_PER_ELEMENT;
  if (format === FORMAT.bytes || format === FORMAT.structured) {
    return body instanceof Uint8Array ? body.length : 0;
  }
  return 0;
}

/** Writes the body of the record that was begun at `word`, and how to read it. Answers its length. */
export function writeBody(ring: ByteRing, word: number, { format, body }: Packed): number {
  if (isSent(format)) {
    ring.words[word + FIELD.format] = format;
    return 0;
  }
  if (typeof body === "string") {
    const length = ring.writeText(word, body);
    // Each text format is followed by its variant with a byte a character.
    ring.words[word + FIELD.format] = length === body.length ? format + 1 : format;
    return length;
  }
  ring.words[word + FIELD.format] = format;
  if (typeof body === "number") {
    ring.setCell(word, 2, body);
    return Float64Array.BYTES_PER_ELEMENT;
  }
  if (body instanceof Uint8Array) {
    ring.writeBytes(word, body);
    return body.length;
  }
  return 0;
}

/** What is to be sent over the port for a packed value, before its record is published. */
export function post(port: MessagePort, { body }: Packed): void {
  if (body instanceof MessagePort) port.postMessage(body, [body]);
  else if (body instanceof Uint8Array && body.buffer instanceof ArrayBuffer) {
    port.postMessage(body, [body.buffer]);
  } else port.postMessage(body);
}

/** The value of a record. Takes what was sent for it from the port. */
export function unpack(ring: ByteRing, word: number, port: MessagePort): unknown {
  const format = ring.words[word + FIELD.format] ?? 0;
  switch (format) {
    case FORMAT.undefined:
      return undefined;
    case FORMAT.null:
      return null;
    case FORMAT.true:
      return true;
    case FORMAT.false:
      return false;
    case FORMAT.number:
      return ring.cell(word, 2);
    case FORMAT.text:
    case FORMAT.narrowText:
      return ring.readText(word, format === FORMAT.narrowText);
    case FORMAT.json:
    case FORMAT.narrowJson:
      return JSON.parse(ring.readText(word, format === FORMAT.narrowJson));
    case FORMAT.bytes:
      return ring.readBytes(word);
    case FORMAT.structured:
      return deserialize(ring.readBytes(word));
    default:
      return unpackSent(format, port);
  }
}

function unpackSent(format: number, port: MessagePort): unknown {
  const message: unknown = receive(port);
  switch (format) {
    case FORMAT.sentJson:
      invariant(typeof message === "string", "a text was sent");
      return JSON.parse(message);
    case FORMAT.sentStructured:
      invariant(message instanceof Uint8Array, "bytes were sent");
      return deserialize(message);
    case FORMAT.sentShared:
      invariant(message instanceof Uint8Array, "bytes were sent");
      return new Uint8Array(message);
    case FORMAT.sentPort: {
      invariant(message instanceof MessagePort, "a port was sent");
      const value = receive(message);
      message.close();
      return value;
    }
    default:
      return message;
  }
}

function deserialize(bytes: Uint8Array): unknown {
  const deserializer = new Deserializer(bytes);
  deserializer.readHeader();
  return deserializer.readValue();
}

/** Takes what lies in a port. It is there: it was posted before its record was published. */
export function receive(port: MessagePort): unknown {
  const received: { readonly message: unknown } | undefined = receiveMessageOnPort(port);
  invariant(received !== undefined, "what a record announces was sent before it");
  return received.message;
}
