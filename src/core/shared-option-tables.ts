import {
  LOCK_NAME_CHARS_MAX,
  SHARED_CAPACITY_DEFAULT,
  SHARED_CAPACITY_MAX,
  SHARED_HELD_MAX_DEFAULT,
  SHARED_ITEM_BYTES_MAX_DEFAULT,
  SHARED_ITEM_BYTES_MAX_MAX,
  SHARED_LARGE_BYTES_MAX_MAX,
  SHARED_SLOT_BYTES_DEFAULT,
  SHARED_SLOT_BYTES_MAX,
  WAIT_MS_DEFAULT,
} from "./limits.ts";
import { bytes, count, ms } from "./option-spec.ts";
import type { OptionTable } from "./options.ts";

export interface SharedQueueOptionValues {
  readonly name: string;
  readonly capacity: number;
  readonly heldMax: number;
  readonly slotBytes: number;
  readonly itemBytesMax: number;
  readonly largeBytesMax: number | undefined;
  readonly format: "json" | "clone";
  readonly diagnostics: "sampled" | "full" | "off" | undefined;
}

const DIAGNOSTICS = {
  kind: "choice",
  fallback: undefined,
  choices: ["sampled", "full", "off"],
  about: "how often this thread notes the code that takes; full when NODE_ENV is development",
} as const;

export const SHARED_QUEUE_OPTIONS: OptionTable<SharedQueueOptionValues> = {
  name: { kind: "queue", fallback: "queue", about: "what errors and reports call it" },
  capacity: count(
    SHARED_CAPACITY_DEFAULT,
    [1, SHARED_CAPACITY_MAX],
    "items that may wait in it, not counting those that somebody holds",
  ),
  heldMax: count(
    SHARED_HELD_MAX_DEFAULT,
    [1, SHARED_CAPACITY_MAX],
    "items that all threads together may hold",
  ),
  slotBytes: bytes(
    SHARED_SLOT_BYTES_DEFAULT,
    [8, SHARED_SLOT_BYTES_MAX],
    "room for each item in place, rounded up to 8",
  ),
  itemBytesMax: bytes(
    SHARED_ITEM_BYTES_MAX_DEFAULT,
    [1, SHARED_ITEM_BYTES_MAX_MAX],
    "the largest item",
  ),
  largeBytesMax: bytes(
    undefined,
    [1, SHARED_LARGE_BYTES_MAX_MAX],
    "room for all larger items together; default 16 × itemBytesMax, and never less than one",
  ),
  format: {
    kind: "choice",
    fallback: "json",
    choices: ["json", "clone"],
    about: "how values travel that are not `Uint8Array`; clone keeps dates, maps, sets, BigInts",
  },
  diagnostics: DIAGNOSTICS,
};

export interface SharedLockOptionValues {
  readonly name: string | undefined;
  readonly diagnostics: "sampled" | "full" | "off" | undefined;
}

export const SHARED_LOCK_OPTIONS: OptionTable<SharedLockOptionValues> = {
  name: {
    kind: "text",
    fallback: undefined,
    charsMax: LOCK_NAME_CHARS_MAX,
    about: "how errors and reports call it",
  },
  diagnostics: DIAGNOSTICS,
};

/** A thread that sleeps could not hear a signal. */
export const BLOCKING_WAIT_OPTIONS: OptionTable<{ readonly waitMs: number }> = {
  waitMs: ms(
    WAIT_MS_DEFAULT,
    [0, Number.POSITIVE_INFINITY],
    "how long the thread may sleep; `Infinity` for ever",
  ),
};
