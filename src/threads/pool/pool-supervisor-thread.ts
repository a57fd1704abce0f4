/**
 * The entry of the supervisor of thread pools: one thread for all pools of a process, parent of
 * their threads. It runs no user code and calls nothing that blocks.
 */
import { extname } from "node:path";
import { MessageChannel, type MessagePort, parentPort } from "node:worker_threads";
import { invariant } from "../../core/invariant.ts";
import { locateThread } from "../locate-thread.ts";
import { machineClock, machineTimers } from "../machine-clock.ts";
import { startNodeThread } from "../node-thread.ts";
import { withUserFlags } from "../user-flags.ts";
import { PoolCrew, type StartedThread } from "./pool-crew.ts";
import type {
  CrewPlan,
  FromCrew,
  FromPoolThread,
  PoolThreadData,
  ToCrew,
  ToPoolThread,
  ToSupervisor,
} from "./pool-messages.ts";
import { newBoardMemory, ThreadBoard, WORD } from "./thread-board.ts";

const main = parentPort;
invariant(main !== null, "pool-supervisor-thread.ts runs as a worker thread");
main.on("message", ({ plan, port }: ToSupervisor) => open(plan, port));

const entry = new URL(`./pool-thread${extname(import.meta.url)}`, import.meta.url);
const callers = [new URL(`./call-loop${extname(import.meta.url)}`, import.meta.url)];

function open(plan: CrewPlan, port: MessagePort): void {
  const send = (message: FromCrew): void => port.postMessage(message);
  const crew = new PoolCrew({
    ...{ name: plan.name, watching: plan.watching, send },
    ...{ clock: machineClock, timers: machineTimers },
    start: (number) => start(plan, number, port),
  });
  port.on("message", (message: ToCrew) => crew.receive(message));
}

function start(plan: CrewPlan, number: number, pool: MessagePort): StartedThread {
  const memory = newBoardMemory();
  const { port1, port2 } = new MessageChannel();
  const workerData: PoolThreadData = {
    module: plan.module,
    board: memory,
    bell: plan.bell,
    port: port1,
  };
  const thread = startNodeThread<FromPoolThread, ToPoolThread>(entry, {
    name: `unjam ${plan.name} ${number}`,
    workerData,
    transferList: [port1],
    resourceLimits: plan.resourceLimits,
    ...withUserFlags(plan.flags),
  });
  const board = new ThreadBoard(memory);
  // A worker's number is -1 once it has ended.
  const { threadId } = thread;
  return {
    thread,
    board,
    handOver: (names) => {
      const message: FromCrew = {
        type: "ready",
        thread: number,
        board: memory,
        port: port2,
        names,
      };
      pool.postMessage(message, [port2]);
    },
    locate: () => {
      const osThread = Atomics.load(board.words, WORD.osThread);
      return locateThread({ threadId, osThread, callers });
    },
  };
}
