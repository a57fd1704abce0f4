import { UnjamError } from "../../core/errors.ts";
import { SHARED_HELD_MAX_DEFAULT } from "../../core/limits.ts";
import { readOptions } from "../../core/options.ts";
import { SHARED_QUEUE_OPTIONS } from "../../core/shared-option-tables.ts";
import type { Diagnostics } from "../../sync/call-site.ts";
import type { ItemFormat } from "./item-codec.ts";
import type { QueueShape, SharedQueueHandle } from "./queue-memory.ts";

/** How a shared queue is made. docs/reference/options.md has units and bounds. */
export interface SharedQueueOptions {
  /** What errors and reports call it. Default "queue". */
  readonly name?: string;
  /** Items that may wait in it; those that somebody holds do not count. Default 1,024. */
  readonly capacity?: number;
  /** Items that may be held at once by all threads together; more are not taken in. Default 1,024. */
  readonly heldMax?: number;
  /** Bytes kept for each item in place; larger ones lie in pages, which costs a little more. Default 256. */
  readonly slotBytes?: number;
  /** The largest item, in bytes. Default 262,144. */
  readonly itemBytesMax?: number;
  /** Bytes for all items together that are larger than `slotBytes`. Default 16 × `itemBytesMax`. */
  readonly largeBytesMax?: number;
  /**
   * How values travel that are not `Uint8Array`: as JSON, or by structured clone, which keeps dates,
   * maps, sets and BigInts, and takes three times as long. Default "json".
   */
  readonly format?: ItemFormat;
  /** How often the code that takes an item is noted, by this thread: see {@link Diagnostics}. */
  readonly diagnostics?: Diagnostics;
}

export interface SharedQueueSettings {
  readonly name: string;
  readonly shape: QueueShape;
  readonly diagnostics: Diagnostics | undefined;
}

/** @throws UNJAM_UNKNOWN_OPTION, UNJAM_INVALID_OPTION, UNJAM_QUEUE_NAME_INVALID */
export function readSharedQueueOptions(options: SharedQueueOptions): SharedQueueSettings {
  const given = readOptions(SHARED_QUEUE_OPTIONS, options, "SharedQueue");
  const { name, capacity, itemBytesMax, format, diagnostics } = given;
  const slotBytes = Math.ceil(given.slotBytes / 8) * 8;
  const largeBytesMax = Math.max(given.largeBytesMax ?? 16 * itemBytesMax, itemBytesMax);
  const heldMax = given.heldMax ?? SHARED_HELD_MAX_DEFAULT;
  const shape = { capacity, heldMax, slotBytes, itemBytesMax, largeBytesMax, format };
  return { name, shape, diagnostics };
}

/** @throws UNJAM_HANDLE_INVALID */
export function readQueueHandle(handle: unknown): SharedQueueHandle {
  if (typeof handle === "object" && handle !== null && "kind" in handle) {
    const { kind } = handle;
    const name = "name" in handle ? handle.name : undefined;
    const memory = "memory" in handle ? handle.memory : undefined;
    const isOurs = kind === "unjam/shared-queue" && typeof name === "string";
    if (isOurs && memory instanceof SharedArrayBuffer) return { kind, name, memory };
  }
  const reason = "it is not what queue.handle is";
  throw new UnjamError("UNJAM_HANDLE_INVALID", { what: "SharedQueue", reason });
}
