/**
 * The entry of a thread of a pool: imports the user's module and answers calls of its exports. The
 * supervisor is its parent; calls and answers go to and from main directly.
 */
import { getHeapStatistics } from "node:v8";
import { type MessagePort, workerData } from "node:worker_threads";
import { toErrorRecord } from "../../core/error-record.ts";
import { UnjamError } from "../../core/errors.ts";
import { machineClock } from "../machine-clock.ts";
import { ownOsThread } from "../os-thread.ts";
import { threadLine } from "../thread-line.ts";
import { JOB_NICE, lowerPriority } from "../thread-priority.ts";
import { CallLoop, type PoolFunction } from "./call-loop.ts";
import type { FromPoolThread, PoolThreadData, ToPoolThread } from "./pool-messages.ts";
import { ThreadBoard, WORD } from "./thread-board.ts";

const supervisor = threadLine<ToPoolThread, FromPoolThread>();
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- set by the supervisor that starts this file.
const data = workerData as PoolThreadData;
const board = new ThreadBoard(data.board);
let loop: CallLoop | undefined;

lowerPriority(JOB_NICE);
Atomics.store(board.words, WORD.osThread, ownOsThread());
supervisor.onMessage(receive);
/** What is open before the user's module is: his own comes on top. */
const ownResources = process.getActiveResourcesInfo().length;
void load(data.port);

async function load(port: MessagePort): Promise<void> {
  let exports: object;
  try {
    // oxlint-disable-next-line typescript/no-unsafe-assignment -- whatever a module exports; only its functions are looked at.
    exports = await import(data.module);
  } catch (error) {
    send({ type: "failed", error: toErrorRecord(error) });
    return;
  }
  const functions = Object.entries(exports).filter(isFunctionEntry);
  loop = new CallLoop({
    board,
    bell: new Int32Array(data.bell),
    port,
    functions: functions.map(([, run]) => run),
    host: {
      now: () => machineClock.now(),
      soon: (run) => setImmediate(run),
      afterMicrotasks: (run) => process.nextTick(run),
      isLoopNeeded: () => process.getActiveResourcesInfo().length > ownResources,
      heapBytes,
    },
  });
  send({ type: "ready", names: functions.map(([name]) => name) });
  loop.start();
}

/** Of this thread alone, unlike process.memoryUsage().rss. */
function heapBytes(): number {
  const { used_heap_size: heap, external_memory: external } = getHeapStatistics();
  return heap + external;
}

function isFunctionEntry(entry: [string, unknown]): entry is [string, PoolFunction] {
  return typeof entry[1] === "function";
}

function receive({ id, reason, pool }: ToPoolThread): void {
  loop?.abort(id, new UnjamError("UNJAM_CALL_STOPPED", { pool, reason }));
}

function send(message: FromPoolThread): void {
  supervisor.send(message);
}
