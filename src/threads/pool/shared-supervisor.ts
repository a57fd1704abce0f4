/**
 * Main's side of the supervisor of thread pools: one thread for all pools of this process, started
 * for the first and left idle when the last is closed. It holds the process open only while a call
 * is under way: see `PoolPort.hold`.
 */
import { MessageChannel, type Worker } from "node:worker_threads";
import { startOwnThread } from "../own-thread.ts";
import type { CrewPlan, FromCrew, ToCrew, ToSupervisor } from "./pool-messages.ts";

/** A pool's line to its crew. */
export interface CrewLine {
  send(message: ToCrew): void;
  /** Whether the process must stay open for what is awaited of the crew. */
  hold(isNeeded: boolean): void;
}

export interface CrewListener {
  message(message: FromCrew): void;
  /** The supervisor is gone, and all threads with it. */
  lost(): void;
}

let supervisor: Worker | undefined;

/** @throws UNJAM_THREAD_ENTRY_MISSING */
export function openCrew(plan: CrewPlan, listener: CrewListener): CrewLine {
  const { port1, port2 } = new MessageChannel();
  const message: ToSupervisor = { type: "open", plan, port: port2 };
  supervisor ??= startSupervisor();
  supervisor.postMessage(message, [port2]);
  port1.on("message", (received: FromCrew) => {
    if (received.type === "closed") port1.removeAllListeners("close");
    listener.message(received);
    if (received.type === "closed") port1.close();
  });
  port1.on("close", () => listener.lost());
  port1.unref();
  return {
    send: (sent) => port1.postMessage(sent),
    hold: (isNeeded) => (isNeeded ? port1.ref() : port1.unref()),
  };
}

function startSupervisor(): Worker {
  const worker = startOwnThread(import.meta.url, "pool-supervisor-thread", { name: "unjam pools" });
  worker.unref();
  // Its pools learn of its end by their ports.
  worker.on("error", () => undefined);
  worker.on("exit", () => {
    if (supervisor === worker) supervisor = undefined;
  });
  return worker;
}
