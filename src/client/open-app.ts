import { UnjamError } from "../core/errors.ts";
import { SUSPECTS_AT_ONCE } from "../core/limits.ts";
import type { RunsOn, TaskFacts } from "../core/task.ts";
import { isJobThread } from "../runtime/job-thread-mark.ts";
import { type InlinePorts, launchInline } from "../runtime/launch-inline.ts";
import { launchThreads } from "../runtime/launch-threads.ts";
import type { EngineOptions } from "../runtime/messages.ts";
import { machineClock, machineTimers } from "../threads/machine-clock.ts";
import { App } from "./app.ts";
import { type LoadedTasks, loadTasks } from "./load-tasks.ts";
import { type OpenOptions, type ReadOpen, readOpen, refuseUnrunnable } from "./open-options.ts";
import { refuseOldNode } from "./node-version.ts";

/** `open` on the time and chance of this process. */
export function openApp(options?: OpenOptions): Promise<App> {
  return openWith({ clock: machineClock, timers: machineTimers, random: Math.random }, options);
}

/** `open` with a time and chance of the caller's own, for `unjam/testing`: inline only. */
export async function openWith(ports: InlinePorts, options?: OpenOptions): Promise<App> {
  refuseOldNode();
  if (isJobThread()) throw new UnjamError("UNJAM_OPEN_IN_JOB_THREAD", {});
  const read = readOpen(options);
  const loaded = await loadTasks(read.tasks);
  const isInline = read.runtime === "inline";
  refuseUnrunnable(loaded.bodies, { hasModule: loaded.module !== null, isInline });
  return launch(ports, read, loaded);
}

async function launch(ports: InlinePorts, read: ReadOpen, loaded: LoadedTasks): Promise<App> {
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
