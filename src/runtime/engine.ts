import type { Clock, Random, Timers } from "../core/clock.ts";
import { isUnjamError } from "../core/errors.ts";
import type { OwnerId } from "../core/job.ts";
import type { NewOwner, Store } from "../store/store.ts";
import type { Channel } from "./channel.ts";
import type { Executor } from "./executor.ts";
import type { Fetcher } from "./fetcher.ts";
import type { Intake } from "./intake.ts";
import type { FromEngine, FromSupervisor, ToEngine, ToSupervisor } from "./messages.ts";
import type { JobWaits } from "./job-waits.ts";
import type { Overlaps } from "./overlaps.ts";
import type { Renewer } from "./renewer.ts";
import type { Repeater } from "./repeater.ts";
import type { ResultWatch } from "./result-watch.ts";
import type { Settler } from "./settler.ts";
import type { ThreadAdds } from "./thread-adds.ts";
import type { OwnerProbe, Waker } from "./waker.ts";

/** All that the engine knows of the world outside. */
export interface RuntimePorts {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly store: Store;
  readonly client: Channel<ToEngine, FromEngine>;
  /** `null`: no job threads; their tasks run on the loop lane (inline), or nowhere. */
  readonly supervisor: Channel<FromSupervisor, ToSupervisor> | null;
  readonly identity: Pick<NewOwner, "pid" | "processStart" | "machine">;
  readonly isOwnerDead: OwnerProbe;
}

/** The composed parts, as they reach each other. */
export interface Engine {
  readonly ports: RuntimePorts;
  readonly owner: OwnerId;
  /** Queues it was opened for. */
  readonly queues: readonly string[];
  readonly executor: Executor;
  readonly fetcher: Fetcher;
  readonly settler: Settler;
  readonly renewer: Renewer;
  readonly intake: Intake;
  readonly threadAdds: ThreadAdds;
  readonly watch: ResultWatch;
  readonly waits: JobWaits;
  readonly waker: Waker;
  readonly overlaps: Overlaps;
  /** All services that work by a regular step, in the order in which they start. */
  readonly repeaters: readonly Repeater[];
}

/** A lock or a failing disk is an event; anything else is a bug and ends the thread. */
export function reportTrouble(client: RuntimePorts["client"], name: string, error: unknown): void {
  if (!isUnjamError(error)) throw error;
  const data = { message: `${name}: ${error.message}` };
  client.send({ type: "event", event: { name: "store", data } });
}
