/**
 * Who a thread of this process is, and whether it is gone. Two ways tell, and neither needs the
 * user's help:
 * - The thread that made a worker hears its `exit`, once its own loop turns.
 * - Linux shows every thread of the process in /proc, also while all loops are blocked.
 * Both say only what is certain: a thread that one of them calls gone never runs again.
 */
import { readFileSync, readlinkSync } from "node:fs";
import { threadId, type Worker } from "node:worker_threads";
import { isError } from "../../core/is-error.ts";
import { THREADS_REMEMBERED_MAX } from "../../core/limits.ts";

/** A thread, in numbers that fit into shared memory. */
export interface ThreadIdentity {
  /** Node's number, never given twice in one process. */
  readonly threadId: number;
  /** The system's number, which is given again; 0 where the system does not say. */
  readonly systemId: number;
  /** Clock ticks from boot to its start, the lower 31 bits. */
  readonly startTicks: number;
}

const TICKS_MASK = 0x7fff_ffff;

let own: ThreadIdentity | undefined;

/** The thread that this runs in. */
export function ownThread(): ThreadIdentity {
  own ??= { threadId, ...systemThread() };
  return own;
}

export function isGone({ threadId: id, systemId, startTicks }: ThreadIdentity): boolean {
  if (id === threadId) return false;
  if (ended.has(id)) return true;
  if (systemId === 0) return false;
  const ticks = startTicksOf(systemId);
  return ticks === "no such thread" || (ticks !== "unknown" && ticks !== startTicks);
}

/** What errors and reports call a thread. */
export function threadName(id: number): string {
  return id === 0 ? "the main thread" : `thread ${id}`;
}

function systemThread(): Pick<ThreadIdentity, "systemId" | "startTicks"> {
  const unknown = { systemId: 0, startTicks: 0 };
  try {
    // "PID/task/TID": the link of the thread that asks.
    const systemId = Number(readlinkSync("/proc/thread-self").split("/").at(-1));
    const startTicks = startTicksOf(systemId);
    return typeof startTicks === "number" ? { systemId, startTicks } : unknown;
  } catch {
    // Not Linux, or reading is not permitted: only the exit event tells.
    return unknown;
  }
}

/** Field 22 of its stat; the name before it may hold spaces and brackets. */
function startTicksOf(systemId: number): number | "no such thread" | "unknown" {
  try {
    const stat = readFileSync(`/proc/self/task/${systemId}/stat`, "latin1");
    const ticks = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]);
    return Number.isNaN(ticks) ? "unknown" : ticks & TICKS_MASK;
  } catch (error) {
    const code: unknown = isError(error) && "code" in error ? error.code : undefined;
    // ESRCH: it ended between the opening and the reading.
    return code === "ENOENT" || code === "ESRCH" ? "no such thread" : "unknown";
  }
}

/** Something in shared memory that threads hold parts of. */
export interface Inherited {
  /** Takes back what a thread that is gone still held. */
  threadGone(): void;
}

/** Workers of this thread that have ended, as far as anybody could still ask about them. */
const ended = new Set<number>();
/** Weakly: a queue that nobody uses any more must not live on for the sake of this list. */
const inherited = new Set<WeakRef<Inherited>>();
let isListening = false;

/** From now on `heir` is told at once when a worker that this thread makes has ended. */
export function inheritFromWorkers(heir: Inherited): void {
  inherited.add(new WeakRef(heir));
  if (isListening) return;
  isListening = true;
  process.on("worker", listenForExit);
}

function listenForExit(worker: Worker): void {
  const id = worker.threadId;
  // -1: it ended before anybody could ask.
  if (id > 0) worker.once("exit", () => onExit(id));
}

function onExit(id: number): void {
  const [oldest] = ended;
  if (oldest !== undefined && ended.size >= THREADS_REMEMBERED_MAX) ended.delete(oldest);
  ended.add(id);
  for (const ref of inherited) {
    const heir = ref.deref();
    if (heir === undefined) inherited.delete(ref);
    else heir.threadGone();
  }
}
