import type { ClaimedJob } from "../core/job.ts";
import type { CrewLane } from "../core/task.ts";
import type { Channel } from "./channel.ts";
import type { Lane } from "./executor.ts";
import type {
  AttemptColumns,
  FromEngine,
  FromSupervisor,
  ToEngine,
  ToSupervisor,
} from "./messages.ts";

/** Handlers on the client's main loop. */
export function loopLane(client: Channel<ToEngine, FromEngine>, slots: number): Lane {
  return {
    name: "loop",
    slots,
    start: (jobs) => client.send({ type: "attempts", jobs: columnsOf(jobs) }),
    abort: (leases, reason) => client.send({ type: "abort", leases, reason }),
    giveBack: () => client.send({ type: "giveBack" }),
  };
}

/** Handlers on job threads or in job processes, which belong to the supervisor. */
export function crewLane(
  supervisor: Channel<FromSupervisor, ToSupervisor>,
  name: CrewLane,
  slots: number,
): Lane {
  return {
    name,
    slots,
    start: (jobs) => supervisor.send({ type: "run", lane: name, jobs }),
    abort: (leases, reason) => supervisor.send({ type: "abort", leases, reason }),
    giveBack: () => supervisor.send({ type: "giveBack", lane: name }),
  };
}

/** The processes for suspects, one for each job. */
export function aloneLane(supervisor: Channel<FromSupervisor, ToSupervisor>, slots: number): Lane {
  return {
    ...crewLane(supervisor, "alone", slots),
    warm: (count) => supervisor.send({ type: "warm", lane: "alone", count }),
  };
}

/** Jobs by task, as columns, in their order. */
export function columnsOf(jobs: readonly ClaimedJob[]): AttemptColumns[] {
  const byTask = new Map<string, ClaimedJob[]>();
  for (const job of jobs) {
    const same = byTask.get(job.task);
    if (same === undefined) byTask.set(job.task, [job]);
    else same.push(job);
  }
  return [...byTask].map(([task, group]) => ({
    task,
    queue: group[0]?.queue ?? "",
    ids: group.map(({ id }) => id),
    tokens: group.map(({ token }) => token),
    attempts: group.map(({ attempt }) => attempt),
    payloads: group.map(({ payload }) => payload),
    extras: group.some(({ extra }) => extra !== null) ? group.map(({ extra }) => extra) : null,
  }));
}
