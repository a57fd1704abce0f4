/**
 * The entry of the store thread: opens the store and runs the engine on it. The parent's messages
 * are the client's; the supervisor has a port of its own, and gets a new one when it was replaced.
 */
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { toErrorRecord } from "../core/error-record.ts";
import { UnjamError } from "../core/errors.ts";
import { invariant } from "../core/invariant.ts";
import { ownIdentity, whyGone } from "../stack/process-identity.ts";
import { openStore } from "../store/open-store.ts";
import { machineClock, machineTimers } from "../threads/machine-clock.ts";
import { composeRuntime } from "./compose-runtime.ts";
import type { Engine } from "./engine.ts";
import type {
  EngineOptions,
  FromEngine,
  FromSupervisor,
  ToEngine,
  ToSupervisor,
} from "./messages.ts";
import { portChannel } from "./port-channel.ts";
import { SwitchedChannel } from "./switched-channel.ts";
import { lowerPriority, STORE_NICE } from "../threads/thread-priority.ts";

/** What the store thread is started with. */
export interface StoreThreadData {
  readonly options: EngineOptions;
  readonly supervisor: MessagePort;
}

/** Main → store thread, beside the client's messages: a new supervisor took the old one's place. */
export interface NewSupervisor {
  readonly type: "supervisor";
  readonly port: MessagePort;
}

const port = parentPort;
invariant(port !== null, "store-thread.ts runs as a worker thread");
lowerPriority(STORE_NICE);
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- set by launch-threads.ts, which starts this file.
const { options, supervisor } = workerData as StoreThreadData;
const client = portChannel<ToEngine | NewSupervisor, FromEngine>(port);
const toSupervisor = new SwitchedChannel<FromSupervisor, ToSupervisor>(portChannel(supervisor));

async function start(): Promise<void> {
  const mustExist = options.replaces !== null;
  const ports = { clock: machineClock, timers: machineTimers };
  const store = await openStore(options.storeUrl, ports, { mustExist });
  const running: { engine?: Engine } = {};
  const toEngine = {
    ...client,
    onMessage(handle: (message: ToEngine) => void): void {
      client.onMessage((message) => {
        if (message.type !== "supervisor") handle(message);
        else replaceSupervisor(running.engine, message.port);
      });
    },
  };
  running.engine = await composeRuntime(
    {
      ...ports,
      random: Math.random,
      store,
      client: toEngine,
      supervisor: toSupervisor,
      identity: ownIdentity(),
      isOwnerDead: whyGone,
    },
    options,
  );
}

/** Its threads and processes died with it: what they ran is lost, and what waited there too. */
function replaceSupervisor(engine: Engine | undefined, next: MessagePort): void {
  toSupervisor.switchTo(portChannel(next));
  // It is just being composed, and has given no work away yet.
  if (engine === undefined) return;
  const error = new UnjamError("UNJAM_THREAD_DIED", {
    task: "",
    reason: "the supervisor thread died",
  });
  const end = {
    kind: "lost",
    error: JSON.stringify(toErrorRecord(error)),
    isGuilty: false,
  } as const;
  for (const attempt of [...engine.executor.attempts]) {
    if (attempt.lane.name === "loop") continue;
    engine.executor.ended(attempt.job, "lost");
    engine.settler.add(attempt, end);
  }
  engine.executor.setStanding("alone", 0);
  engine.settler.flush();
  engine.fetcher.noteStanding("alone");
}

start().catch((error: unknown) => client.send({ type: "failed", error: toErrorRecord(error) }));
