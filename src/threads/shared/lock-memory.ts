/** How the memory of a shared lock is laid out, and the handle by which other threads open it. */
import { randomInt } from "node:crypto";
import { UnjamError } from "../../core/errors.ts";
import { Bell } from "./bell.ts";
import { Parties } from "./parties.ts";
import { SitePlaces } from "./site-places.ts";
import type { LockId } from "./wait-board.ts";

/** What threads send each other to share a lock: plain data, by `workerData` or `postMessage`. */
export interface SharedLockHandle<K extends LockKind = LockKind> {
  readonly kind: `unjam/shared-${K}`;
  readonly name: string;
  readonly memory: SharedArrayBuffer;
  /** Where those who wait for locks of this process can be seen. */
  readonly board: SharedArrayBuffer;
}

export type LockKind = "mutex" | "semaphore";

const MAGIC = 0x756e6a6c;
const VERSION = 1;
const PERMITS = 2;
const ID = 4;
/** Who is next, when somebody has waited for long: others let him. */
export const HEIR = 16;
/** When he became it, in milliseconds, the lower 30 bits. */
export const HEIR_AT = 17;
const BELL = 32;
const PARTIES = 48;
const FIRST_PERMIT = PARTIES + Parties.WORDS;

/** Words of a permit. */
export const PERMIT_WORDS = 4;
/** Who holds it: his party in the lower eight bits, and above them a number of this hold; 0: nobody. */
export const OWNER = 0;
/** The thread that died with it, plus 1. */
export const FORMER = 1;
/** Two words: since when, as a double. */
export const SINCE = 2;

export interface LockMemory {
  readonly words: Int32Array;
  readonly doubles: Float64Array;
  readonly id: LockId;
  readonly permitCount: number;
  /** The first word of the first permit. */
  readonly permitsAt: number;
  readonly parties: Parties;
  readonly bell: Bell;
  readonly sites: SitePlaces;
}

export function makeLockMemory(permitCount: number): SharedArrayBuffer {
  const words = FIRST_PERMIT + permitCount * PERMIT_WORDS + SitePlaces.wordsFor(permitCount);
  const memory = new SharedArrayBuffer(8 * Math.ceil(words / 2));
  const view = new Int32Array(memory);
  view.set([MAGIC, VERSION, permitCount]);
  view.set([randomInt(2 ** 31), randomInt(2 ** 31)], ID);
  return memory;
}

/** @throws UNJAM_HANDLE_INVALID */
export function viewLockMemory(memory: SharedArrayBuffer, what: string): LockMemory {
  const words = new Int32Array(memory);
  const at = (index: number): number => words[index] ?? 0;
  if (at(0) !== MAGIC || at(1) !== VERSION) {
    const reason = "its memory is another's, or of another version";
    throw new UnjamError("UNJAM_HANDLE_INVALID", { what, reason });
  }
  const permitCount = at(PERMITS);
  return {
    ...{ words, permitCount },
    doubles: new Float64Array(memory),
    id: [at(ID), at(ID + 1)],
    permitsAt: FIRST_PERMIT,
    parties: new Parties(words, PARTIES, what),
    bell: new Bell(words, BELL),
    sites: new SitePlaces(words, FIRST_PERMIT + permitCount * PERMIT_WORDS),
  };
}

/** @throws UNJAM_HANDLE_INVALID */
export function readLockHandle<K extends LockKind>(handle: unknown, kind: K): SharedLockHandle<K> {
  const wanted = `unjam/shared-${kind}` as const;
  if (typeof handle === "object" && handle !== null && "kind" in handle) {
    const name = "name" in handle ? handle.name : undefined;
    const memory = "memory" in handle ? handle.memory : undefined;
    const board = "board" in handle ? handle.board : undefined;
    const areShared = memory instanceof SharedArrayBuffer && board instanceof SharedArrayBuffer;
    if (handle.kind === wanted && typeof name === "string" && areShared) {
      return { kind: wanted, name, memory, board };
    }
  }
  const reason = "it is not what the handle of such a lock is";
  throw new UnjamError("UNJAM_HANDLE_INVALID", { what: `a shared ${kind}`, reason });
}
