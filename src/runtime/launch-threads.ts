/**
 * Starts the two runtime threads and keeps them running. The store thread runs the engine; the
 * supervisor runs the job threads and job processes. They talk to each other by a port of their own,
 * so that work goes on while the main loop is blocked. Either is replaced when it dies, within a
 * budget.
 */
import { MessageChannel, type MessagePort, type Worker } from "node:worker_threads";
import type { MonotonicMs } from "../core/clock.ts";
import { fromErrorRecord } from "../core/error-record.ts";
import { UnjamError } from "../core/errors.ts";
import { OPEN_MS_MAX, RESTARTS_PER_MS } from "../core/limits.ts";
import { RestartBudget } from "../core/restart-budget.ts";
import { machineClock } from "../threads/machine-clock.ts";
import { startOwnThread } from "../threads/own-thread.ts";
import { userFlags } from "../threads/user-flags.ts";
import type { EngineOptions, FromEngine, ToEngine } from "./messages.ts";
import { RecentEnds } from "./recent-ends.ts";
import type { RuntimeHandle, RuntimeListener } from "./runtime-handle.ts";
import type { NewSupervisor, StoreThreadData } from "./store-thread.ts";
import type { MainToSupervisor, SupervisorData, SupervisorToMain } from "./supervisor-thread.ts";

export interface LaunchOptions {
  /** Where the main loop shows that it turns. */
  readonly beat: SharedArrayBuffer;
  readonly engine: EngineOptions;
  /** The module that job threads and processes load; `null` when all tasks run on the loop. */
  readonly module: string | null;
}

/** Resolves when the engine works. @throws what opening the store throws, UNJAM_THREAD_ENTRY_MISSING */
export async function launchThreads(
  options: LaunchOptions,
  listener: RuntimeListener,
): Promise<RuntimeHandle> {
  const runtime = new ThreadRuntime(options, listener);
  await runtime.start();
  return runtime;
}

type Phase = "starting" | "running" | "ending" | "broken";

class ThreadRuntime implements RuntimeHandle {
  readonly #options: LaunchOptions;
  readonly #listener: RuntimeListener;
  readonly #budget = new RestartBudget();
  #phase: Phase = "starting";
  #store: Worker | undefined;
  #supervisor: Worker | undefined;
  #engine: EngineOptions;
  #onStarted: (() => void) | undefined;
  #onFailed: ((error: Error) => void) | undefined;
  #onClosed: (() => void) | undefined;
  /** For a new engine: all else is asked again by the client. */
  readonly #recentEnds = new RecentEnds<ToEngine>(machineClock);
  #hasEngine = true;
  #failure: string | undefined;

  constructor(options: LaunchOptions, listener: RuntimeListener) {
    this.#options = options;
    this.#listener = listener;
    this.#engine = options.engine;
  }

  async start(): Promise<void> {
    const { port1, port2 } = new MessageChannel();
    try {
      await new Promise<void>((resolve, reject) => {
        this.#onStarted = resolve;
        this.#onFailed = reject;
        this.#supervisor = this.#startSupervisor(port1);
        this.#store = this.#startStore(port2);
      });
      this.#phase = "running";
    } catch (error) {
      this.#phase = "ending";
      await Promise.all([this.#store?.terminate(), this.#supervisor?.terminate()]);
      throw error;
    }
  }

  send(message: ToEngine): void {
    if (this.#hasEngine) this.#store?.postMessage(message);
    if (message.type === "bodiesEnded") this.#recentEnds.note(message);
    else if (message.type === "work" && hasEnds(message)) {
      this.#recentEnds.note({ ...message, adds: [], progress: [] });
    }
  }

  beating(): void {
    this.#toSupervisor({ type: "beating" });
  }

  async end(until: MonotonicMs): Promise<void> {
    this.#phase = "ending";
    const closed = new Promise<void>((resolve) => (this.#onClosed = resolve));
    this.#toSupervisor({ type: "close" });
    // One that is being replaced says nothing, and has no threads to end.
    if (this.#supervisor !== undefined) await before(until, closed);
    const ended = Promise.all([this.#store?.terminate(), this.#supervisor?.terminate()]);
    await before(Math.max(until, machineClock.now() + 100), ended);
  }

  #toSupervisor(message: MainToSupervisor, transfer: MessagePort[] = []): void {
    this.#supervisor?.postMessage(message, transfer);
  }

  #startStore(supervisor: MessagePort): Worker {
    const workerData: StoreThreadData = { options: this.#engine, supervisor };
    const worker = startOwnThread(import.meta.url, "store-thread", {
      name: "unjam store",
      workerData,
      transferList: [supervisor],
    });
    worker.on("message", (message: FromEngine) => this.#fromStore(message));
    whenGone(worker, (reason) => this.#storeGone(reason));
    return worker;
  }

  #startSupervisor(engine: MessagePort): Worker {
    const { tasks, threadSlots, processSlots, aloneSlots } = this.#engine;
    const workerData: SupervisorData = {
      ...{ engine, tasks, threadSlots, processSlots, aloneSlots, beat: this.#options.beat },
      module: this.#options.module,
      flags: userFlags(),
    };
    const worker = startOwnThread(import.meta.url, "supervisor-thread", {
      name: "unjam supervisor",
      workerData,
      transferList: [engine],
    });
    worker.on("message", (message: SupervisorToMain) => {
      if (message.type === "closed") this.#onClosed?.();
      else this.#listener.blocked(message.block);
    });
    whenGone(worker, (reason) => this.#supervisorGone(reason));
    return worker;
  }

  #fromStore(message: FromEngine): void {
    if (message.type === "failed") {
      this.#onFailed?.(fromErrorRecord(message.error));
      // A new store thread that cannot open the store is one more that died.
      this.#failure = message.error.message;
      if (this.#phase === "running") void this.#store?.terminate();
    } else if (message.type !== "started") {
      this.#listener.message(message);
    } else {
      this.#engine = { ...this.#engine, replaces: message.owner };
      if (this.#phase === "starting") this.#onStarted?.();
      else this.#resume();
    }
  }

  #resume(): void {
    const ends = this.#recentEnds.take();
    this.#hasEngine = true;
    this.#listener.restarted();
    for (const message of ends) this.send(message);
  }

  #storeGone(how: string): void {
    const reason = this.#failure ?? how;
    this.#failure = undefined;
    this.#onFailed?.(new UnjamError("UNJAM_STORE_LOST", { reason }));
    if (this.#phase !== "running") return;
    this.#hasEngine = false;
    this.#recentEnds.hold();
    if (this.#engine.storeUrl === "memory:") {
      this.#break(new UnjamError("UNJAM_STORE_LOST", { reason }));
      return;
    }
    this.#restart("store thread", reason, () => {
      const { port1, port2 } = new MessageChannel();
      this.#toSupervisor({ type: "engine", port: port1 }, [port1]);
      this.#store = this.#startStore(port2);
    });
  }

  #supervisorGone(reason: string): void {
    this.#supervisor = undefined;
    this.#onClosed?.();
    const broken = { part: "supervisor thread", restarts: 0, perMs: RESTARTS_PER_MS, reason };
    this.#onFailed?.(new UnjamError("UNJAM_BROKEN", broken));
    if (this.#phase !== "running") return;
    this.#restart("supervisor thread", reason, () => {
      const { port1, port2 } = new MessageChannel();
      this.#supervisor = this.#startSupervisor(port1);
      const message: NewSupervisor = { type: "supervisor", port: port2 };
      this.#store?.postMessage(message, [port2]);
    });
  }

  #restart(part: string, reason: string, start: () => void): void {
    const isWithin = this.#budget.take(machineClock.now());
    const restarts = this.#budget.count;
    this.#listener.event({
      name: isWithin ? "replaced" : "broken",
      data: { part, reason, restarts },
    });
    if (!isWithin) {
      this.#break(
        new UnjamError("UNJAM_BROKEN", { part, restarts, perMs: RESTARTS_PER_MS, reason }),
      );
      return;
    }
    setTimeout(() => {
      if (this.#phase === "running") start();
    }, this.#budget.backOffMs());
  }

  #break(error: Error): void {
    this.#phase = "broken";
    this.#listener.lost(error);
  }
}

function hasEnds({ returned, ends }: ToEngine & { readonly type: "work" }): boolean {
  return returned !== null || ends.length > 0;
}

/** Calls once, with why, when the thread has ended. */
function whenGone(worker: Worker, gone: (reason: string) => void): void {
  let reason: string | undefined;
  worker.on("error", (error) => (reason = String(error)));
  worker.on("exit", (code) => gone(reason ?? `it exited with code ${code}`));
}

/** Waits for `work`, at most until then. */
async function before(until: MonotonicMs, work: Promise<unknown>): Promise<void> {
  const late = new AbortController();
  const timer = setTimeout(
    () => late.abort(),
    Math.min(OPEN_MS_MAX, Math.max(0, until - machineClock.now())),
  );
  await Promise.race([
    work,
    new Promise<void>((resolve) => {
      late.signal.addEventListener("abort", () => resolve(), { once: true });
    }),
  ]);
  clearTimeout(timer);
}
