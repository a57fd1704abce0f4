import { open, rm } from "node:fs/promises";
import { join } from "node:path";
import { bad, type Check, ok, warning } from "./check.ts";
import { fileSystemOf } from "./file-system.ts";

/** A full disk stops every enqueue; this is about half a million small jobs before that. */
const FREE_BYTES_LOW = 1_073_741_824;
const FREE_BYTES_MIN = 67_108_864;
/** Enough for a median; on a slow disk they take a second. */
const SYNC_COUNT = 25;
const SYNC_BYTES = 4_096;
/** One fsync above this makes a single durable enqueue slower than people notice. */
const SYNC_MS_SLOW = 25;
/** A disk that has not answered by then is stuck. */
const SYNC_MS_MAX = 5_000;
const MIB = 1_048_576;

/** What the folder of the store is on. The folder exists; the probe file does not stay. */
export async function diskChecks(folder: string): Promise<readonly Check[]> {
  try {
    return [...(await spaceChecks(folder)), await checkSync(folder)];
  } catch (error) {
    return [bad("disk", reasonOf(error), `look at ${folder} and the kernel's log`)];
  }
}

async function spaceChecks(folder: string): Promise<readonly Check[]> {
  const { name, danger, freeBytes } = await fileSystemOf(folder);
  const found = `${name} at ${folder}`;
  const kind =
    danger === undefined
      ? ok("file system", found)
      : warning("file system", `${found}: ${danger}`, "keep the store on a local disk or volume");
  const free = `${Math.round(freeBytes / MIB)} MiB free`;
  if (freeBytes < FREE_BYTES_MIN) return [kind, bad("space", free, "free some space now")];
  if (freeBytes >= FREE_BYTES_LOW) return [kind, ok("space", free)];
  return [kind, warning("space", free, "free some space: a full disk stops every enqueue")];
}

async function checkSync(folder: string): Promise<Check> {
  const file = join(folder, `.unjam-doctor-${process.pid}`);
  try {
    const p50Ms = await before(SYNC_MS_MAX, medianSync(file));
    const found = `${p50Ms.toFixed(2)} ms (p50 of ${SYNC_COUNT} writes of ${SYNC_BYTES / 1_024} KiB)`;
    if (p50Ms <= SYNC_MS_SLOW) return ok("fsync", found);
    const fix = "use a faster disk; enqueueMany and busy queues share one fsync between many jobs";
    return warning("fsync", found, fix);
  } catch (error) {
    return bad("fsync", reasonOf(error), `make ${folder} writable, or look at the kernel's log`);
  } finally {
    await rm(file, { force: true }).catch(() => undefined);
  }
}

/** `fdatasync`, as SQLite calls it; asynchronous, so that a stuck disk does not take doctor along. */
async function medianSync(file: string): Promise<number> {
  const handle = await open(file, "w");
  try {
    const block = Buffer.alloc(SYNC_BYTES);
    const times: number[] = [];
    for (let index = 0; index < SYNC_COUNT; index++) {
      await handle.write(block, 0, SYNC_BYTES, index * SYNC_BYTES);
      const since = performance.now();
      await handle.datasync();
      times.push(performance.now() - since);
    }
    return times.toSorted((a, b) => a - b)[Math.floor(SYNC_COUNT / 2)] ?? 0;
  } finally {
    await handle.close();
  }
}

async function before<T>(limitMs: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const error = new Error(`no answer within ${limitMs / 1_000} s`);
    timer = setTimeout(() => reject(error), limitMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
