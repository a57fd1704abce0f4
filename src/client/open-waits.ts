import type { MonotonicMs } from "../core/clock.ts";
import { formatJobId } from "../core/job-id.ts";
import type { AwaitMessage } from "../runtime/messages.ts";
import type { AwaitedJob, CrewWait, Waiter, WaitFacts } from "../runtime/wait-facts.ts";
import { type Holders, jobHeldBy, queueHeldBy } from "./job-holding.ts";

/** An open wait, as `app.waits()` shows it. Texts are for people: they may change. */
export interface OpenWait {
  /** What was called, such as `enqueue send → mail`, `result of j_1`, `join` or `cancel`. */
  readonly name: string;
  /** The handler's attempt that waits; `null` for calls of this process that no handler made on a thread. */
  readonly waiter: string | null;
  /** What it waits for: a job, room in a queue, the store, … */
  readonly on: string;
  /** Who has that, since when, and how far it is; or why nobody has it. */
  readonly heldBy: string;
  /** By the machine's monotonic clock, as `deadline` is. */
  readonly since: MonotonicMs;
  readonly deadline: MonotonicMs;
  /** Callers that wait for the same. */
  readonly count: number;
}

/** A wait as this side knows it, before anybody was asked who holds what. */
export interface LocalWait extends Omit<OpenWait, "on" | "heldBy"> {
  readonly awaited:
    | CrewWait["awaited"]
    | { readonly kind: "join"; readonly queue: string | undefined }
    | { readonly kind: "handlers" }
    | { readonly kind: "store" };
}

/** What `waits()` puts together. `facts` is missing when the engine did not answer. */
export interface WaitsView {
  readonly facts: WaitFacts | undefined;
  readonly holders: Omit<Holders, "queues" | "owners">;
  /** What the store is served by, for a sentence. */
  readonly store: string;
}

/** A handler on this process's loop that waits for a job. */
export function handlerWait({ job, since, deadline }: AwaitMessage, waiter: Waiter): LocalWait {
  const awaited = { kind: "job", id: job } as const;
  return {
    name: `result of ${job}`,
    waiter: waiterName(waiter),
    since,
    deadline,
    count: 1,
    awaited,
  };
}

export function joinWait(queue: string | undefined, since: MonotonicMs, waitMs: number): LocalWait {
  const name = queue === undefined ? "join" : `join ${queue}`;
  const awaited = { kind: "join", queue } as const;
  return { name, waiter: null, since, deadline: since + waitMs, count: 1, awaited };
}

/** All waits, each with what it waits for and who holds that. */
export function describeWaits(local: readonly LocalWait[], view: WaitsView): OpenWait[] {
  const { facts } = view;
  const waits = [...local, ...(facts?.ofCrews ?? []).map(crewWait)];
  const jobs = new Map<string, AwaitedJob>();
  for (const job of facts?.jobs ?? []) {
    jobs.set(formatJobId(job.id), job);
    if (job.callerId !== null) jobs.set(job.callerId, job);
  }
  return waits.map(({ awaited, ...wait }) => ({ ...wait, ...heldBy(awaited, { ...view, jobs }) }));
}

function crewWait({ waiter, since, deadline, awaited }: CrewWait): LocalWait {
  const name =
    awaited.kind === "job"
      ? `result of ${awaited.id}`
      : `enqueue ${awaited.task} → ${awaited.queue}`;
  const by = waiter === null ? "a handler" : waiterName(waiter);
  return { name, waiter: by, since, deadline, count: 1, awaited };
}

function waiterName({ id, task, attempt }: Waiter): string {
  return `attempt ${attempt} of job ${formatJobId(id)} (${task})`;
}

function heldBy(
  awaited: LocalWait["awaited"],
  view: WaitsView & { readonly jobs: ReadonlyMap<string, AwaitedJob> },
): Pick<OpenWait, "on" | "heldBy"> {
  const { facts, store, jobs } = view;
  const unknown = `not known: ${store} does not answer`;
  const holders = facts === undefined ? undefined : { ...view.holders, ...facts };
  switch (awaited.kind) {
    case "store":
      return { on: "the store's answer", heldBy: store };
    case "handlers":
      return { on: "the end of the running handlers", heldBy: "the handlers that run here" };
    case "enqueue": {
      const isParked = facts?.parked.includes(awaited.batch) === true;
      if (!isParked || holders === undefined) return { on: "the store's answer", heldBy: store };
      const on = `room in queue "${awaited.queue}"`;
      return { on, heldBy: queueHeldBy(awaited.queue, holders) };
    }
    case "job": {
      const job = jobs.get(awaited.id);
      const on = job === undefined ? `job ${awaited.id}` : `job ${awaited.id} (${job.task})`;
      if (holders === undefined) return { on, heldBy: unknown };
      return {
        on,
        heldBy: job === undefined ? `nobody that ${store} told` : jobHeldBy(job, holders),
      };
    }
    case "join": {
      const { queue } = awaited;
      const on = queue === undefined ? "all queues" : `queue "${queue}"`;
      if (holders === undefined) return { on, heldBy: unknown };
      const names = holders.queues.filter(
        ({ name, counts }) => name === (queue ?? name) && counts.ready + counts.leased > 0,
      );
      const each = names.map(({ name }) => queueHeldBy(name, holders));
      return { on, heldBy: each.length === 0 ? "nobody: all is done" : each.join("; ") };
    }
  }
}
