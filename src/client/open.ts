import { UnjamError } from "../core/errors.ts";
import { SUSPECTS_AT_ONCE } from "../core/limits.ts";
import type { RunsOn, TaskFacts } from "../core/task.ts";
import { isJobThread } from "../runtime/job-thread-mark.ts";
import { type InlinePorts, launchInline } from "../runtime/launch-inline.ts";
import { launchThreads } from "../runtime/launch-threads.ts";
import type { EngineOptions } from "../runtime/messages.ts";
import { nodeClock, nodeTimers } from "../runtime/node-ports.ts";
import { App } from "./app.ts";
import { type LoadedTasks, loadTasks } from "./load-tasks.ts";
import { type OpenOptions, type ReadOpen, readOpen, refuseUnrunnable } from "./open-options.ts";
import { refuseOldNode } from "./node-version.ts";

const NODE_PORTS: InlinePorts = { clock: nodeClock, timers: nodeTimers, random: Math.random };

/**
 * Opens a store and starts to work on it. The process stays alive until `app.close()`.
 *
 * @throws UNJAM_UNKNOWN_OPTION, UNJAM_INVALID_OPTION, UNJAM_QUEUE_NAME_INVALID,
 *   UNJAM_STORE_… (what is wrong with the store), UNJAM_TASK_… (what is wrong with a task or its
 *   module), UNJAM_OPEN_IN_JOB_THREAD, UNJAM_THREAD_ENTRY_MISSING, UNJAM_NODE_TOO_OLD
 *
 * @example
 * import { open, task } from "unjam";
 * const mail = task("mail", { attempts: 3 }, async (input: { to: string }) => `sent to ${input.to}`);
 * const app = await open({ store: "memory:", tasks: [mail] });
 * try {
 *   const job = await app.enqueue(mail, { to: "ada@example.org" });
 *   console.log(await job.result({ waitMs: 5_000 }));
 * } finally {
 *   await app.close();
 * }
 */
export function open(options?: OpenOptions): Promise<App> {
  return openWith(NODE_PORTS, options);
}

/** `open` with a time and chance of the caller's own, for `unjam/testing`: inline only. */
export async function openWith(ports: InlinePorts, options?: OpenOptions): Promise<App> {
  refuseOldNode();
  if (isJobThread()) throw new UnjamError("UNJAM_OPEN_IN_JOB_THREAD", {});
  const read = readOpen(options);
  const loaded = await loadTasks(read.tasks);
  const isInline = read.runtime === "inline";
  refuseUnrunnable(loaded.bodies, { hasModule: loaded.module !== null, isInline });
  return openApp(ports, read, loaded);
}

async function openApp(ports: InlinePorts, read: ReadOpen, loaded: LoadedTasks): Promise<App> {
  const isInline = read.runtime === "inline";
  const engine = engineOptions(read, loaded);
  const app = new App({
    clock: ports.clock,
    timers: ports.timers,
    bodies: loaded.bodies,
    bounds: read.queues,
    loopSlots: engine.loopSlots,
    logger: read.logger,
    storeName: isInline ? "the store" : "the store thread",
  });
  const runtime = isInline
    ? await launchInline(engine, ports, app.listener)
    : await launchThreads({ engine, module: loaded.module, beat: app.beat }, app.listener);
  await app.connect(runtime, read.signals);
  return app;
}

function engineOptions(read: ReadOpen, { bodies, module }: LoadedTasks): EngineOptions {
  const isInline = read.runtime === "inline";
  const runnable = [...bodies.values()].filter(({ handler }) => handler !== undefined);
  const tasks = runnable.map(({ facts }): TaskFacts =>
    isInline ? { ...facts, runs: "loop" } : facts,
  );
  const has = (where: RunsOn): boolean => tasks.some(({ runs }) => runs === where);
  const own = [...new Set(tasks.map(({ queue }) => queue))];
  const queues =
    read.work.queues === null ? own : own.filter((queue) => read.work.queues?.includes(queue));
  return {
    storeUrl: read.store,
    tasks,
    loopSlots: has("loop") ? Math.max(read.work.loop, isInline ? 1 : 0) : 0,
    threadSlots: has("thread") ? read.work.threads : 0,
    processSlots: has("process") ? read.work.processes : 0,
    aloneSlots: module === null || isInline || !isWorker(read) ? 0 : SUSPECTS_AT_ONCE,
    queues,
    label: `pid ${process.pid}`,
    replaces: null,
  };
}

function isWorker({ work: { loop, threads, processes } }: ReadOpen): boolean {
  return loop + threads + processes > 0;
}
