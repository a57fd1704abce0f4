/** How the memory of a shared queue is laid out, and the handle by which other threads open it. */
import { randomInt } from "node:crypto";
import { UnjamError } from "../../core/errors.ts";
import { SHARED_PAGE_BYTES } from "../../core/limits.ts";
import { Bell } from "./bell.ts";
import { Blocks } from "./blocks.ts";
import { Failures } from "./failures.ts";
import { IndexRing } from "./index-ring.ts";
import type { ItemFormat } from "./item-codec.ts";
import { Pages } from "./pages.ts";
import { Parties } from "./parties.ts";
import { SitePlaces } from "./site-places.ts";

/** What threads send each other to share a queue: plain data, by `workerData` or `postMessage`. */
export interface SharedQueueHandle {
  readonly kind: "unjam/shared-queue";
  readonly name: string;
  readonly memory: SharedArrayBuffer;
}

/** What a queue is made of, for its life. */
export interface QueueShape {
  readonly capacity: number;
  readonly heldMax: number;
  readonly slotBytes: number;
  readonly itemBytesMax: number;
  readonly largeBytesMax: number;
  readonly format: ItemFormat;
}

const MAGIC = 0x756e6a71;
const VERSION = 1;

/** Words of the first lines; each line of 16 words is changed by threads of one role only. */
const CAPACITY = 2;
const HELD_MAX = 3;
const SLOT_BYTES = 4;
const ITEM_BYTES_MAX = 5;
const LARGE_BYTES_MAX = 6;
const FORMAT = 7;
export const ID = 8;
export const PHASE = 16;
/** Not 0: a put found no memory, and waits for the next settlement. */
export const SHORTAGE = 17;
export const DONE_BASE = 32;
export const FAILED_BASE = 33;
const ITEM_BELL = 48;
const ROOM_BELL = 64;
const END_BELL = 80;
const PARTIES = 96;

const FORMATS: readonly ItemFormat[] = ["json", "clone"];

/** The parts of a queue's memory, as one thread sees them. */
export interface QueueMemory {
  readonly shape: QueueShape;
  readonly words: Int32Array;
  readonly parties: Parties;
  readonly blocks: Blocks;
  /** Items in the order in which they were put. */
  readonly ring: IndexRing;
  /** Blocks whose items came back: they are next. */
  readonly returned: IndexRing;
  readonly returnedMax: number;
  readonly failures: Failures;
  readonly sites: SitePlaces;
  /** Rings when there is an item. */
  readonly itemBell: Bell;
  /** Rings when there is room. */
  readonly roomBell: Bell;
  /** Rings when nothing may be unfinished. */
  readonly endBell: Bell;
}

/** New memory of this shape. */
export function makeQueueMemory(shape: QueueShape): SharedArrayBuffer {
  const memory = new SharedArrayBuffer(placesOf(shape).bytes);
  const words = new Int32Array(memory);
  words.set([MAGIC, VERSION, shape.capacity, shape.heldMax, shape.slotBytes]);
  words.set(
    [shape.itemBytesMax, shape.largeBytesMax, FORMATS.indexOf(shape.format)],
    ITEM_BYTES_MAX,
  );
  words[ID] = randomInt(2 ** 31);
  const { ring, returned } = viewQueueMemory(memory, "");
  ring.begin();
  returned.begin();
  return memory;
}

/** The same parts for every thread. @throws UNJAM_HANDLE_INVALID */
export function viewQueueMemory(memory: SharedArrayBuffer, what: string): QueueMemory {
  const words = new Int32Array(memory, 0, Math.trunc(memory.byteLength / 4));
  const shape = readShape(words);
  const places = placesOf(shape);
  const bytes = Buffer.from(memory);
  const pageBytes = Buffer.from(memory, places.pageBytes, places.pageCount * SHARED_PAGE_BYTES);
  const pages = new Pages(words, places.pages, { bytes: pageBytes, count: places.pageCount });
  const { indexBits } = places;
  return {
    ...{ shape, words },
    parties: new Parties(words, PARTIES, what),
    ring: new IndexRing(words, places.ring, { placesBits: places.ringBits, indexBits }),
    returned: new IndexRing(words, places.returned, { placesBits: places.indexBits, indexBits }),
    returnedMax: 2 ** places.indexBits,
    failures: new Failures(words, places.failures),
    sites: new SitePlaces(words, places.sites),
    blocks: new Blocks({
      ...{ words, bytes, pages, slotBytes: shape.slotBytes, at: places.blocks },
      doubles: new Float64Array(memory, 0, Math.trunc(memory.byteLength / 8)),
      count: places.blockCount,
    }),
    itemBell: new Bell(words, ITEM_BELL),
    roomBell: new Bell(words, ROOM_BELL),
    endBell: new Bell(words, END_BELL),
  };
}

function readShape(words: Int32Array): QueueShape {
  const at = (index: number): number => words[index] ?? 0;
  const format = FORMATS[at(FORMAT)];
  if (at(0) !== MAGIC || at(1) !== VERSION || format === undefined) {
    throw new UnjamError("UNJAM_HANDLE_INVALID", {
      what: "SharedQueue",
      reason:
        at(0) === MAGIC
          ? `its memory has version ${at(1)}, not ${VERSION}`
          : "its memory is another's",
    });
  }
  return {
    capacity: at(CAPACITY),
    heldMax: at(HELD_MAX),
    slotBytes: at(SLOT_BYTES),
    itemBytesMax: at(ITEM_BYTES_MAX),
    largeBytesMax: at(LARGE_BYTES_MAX),
    format,
  };
}

/** Where each part begins, in words; the pages in bytes. */
function placesOf({ capacity, heldMax, slotBytes, largeBytesMax }: QueueShape) {
  const blockCount = capacity + heldMax;
  const ringBits = bitsFor(capacity);
  // The returned may hold each block twice: once for a thread that died while it gave it back.
  const indexBits = bitsFor(2 * blockCount);
  const pageCount = Math.ceil(largeBytesMax / SHARED_PAGE_BYTES);
  const ring = evenLine(PARTIES + Parties.WORDS);
  const returned = evenLine(ring + IndexRing.wordsFor(ringBits));
  const pages = evenLine(returned + IndexRing.wordsFor(indexBits));
  const failures = evenLine(pages + Pages.wordsFor(pageCount));
  const sites = evenLine(failures + Failures.WORDS);
  const blocks = evenLine(sites + SitePlaces.wordsFor(blockCount));
  const pageBytes = 4 * evenLine(blocks + Blocks.wordsFor(blockCount, slotBytes));
  const bytes = pageBytes + pageCount * SHARED_PAGE_BYTES;
  return {
    blockCount,
    ringBits,
    indexBits,
    pageCount,
    ring,
    returned,
    pages,
    failures,
    sites,
    blocks,
    pageBytes,
    bytes,
  };
}

function evenLine(words: number): number {
  return Math.ceil(words / 16) * 16;
}

function bitsFor(count: number): number {
  return Math.max(4, Math.ceil(Math.log2(count)));
}
