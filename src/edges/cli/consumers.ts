import type { App } from "../../client/app.ts";
import { CONSUMER_GONE_MS } from "../../core/limits.ts";

type Owner = Awaited<ReturnType<App["workers"]>>[number];

/** Who works on a store, told apart from producers and from those that are gone. */
export interface Workforce {
  readonly alive: readonly Owner[];
  /** Counted as alive, but without a beat for so long that the queue would not wait for them. */
  readonly silent: readonly (Owner & { readonly silentMs: number })[];
  /** Gone, newest first: by a clean goodbye or found dead. */
  readonly gone: readonly Owner[];
}

export async function workforceOf(app: App): Promise<Workforce> {
  const owners = await app.workers();
  const self = owners.find(({ pid, leftAt }) => pid === process.pid && leftAt === null);
  const workers = owners
    .filter(({ queues }) => queues.length > 0)
    .map((owner) => (self === undefined ? owner : lookedAt(owner, self)));
  const living = workers
    .filter(({ leftAt }) => leftAt === null)
    .map((owner) => ({ ...owner, silentMs: self === undefined ? 0 : silentMs(owner, self) }));
  return {
    alive: living.filter((owner) => owner.silentMs < CONSUMER_GONE_MS),
    silent: living.filter((owner) => owner.silentMs >= CONSUMER_GONE_MS),
    gone: workers
      .filter(({ leftAt }) => leftAt !== null)
      .toSorted((a, b) => (b.leftAt ?? 0) - (a.leftAt ?? 0)),
  };
}

/** The store may not know yet that a process was killed; on its own machine anybody can see it. */
function lookedAt(owner: Owner, self: Owner): Owner {
  if (owner.leftAt !== null || owner.machine !== self.machine || isRunning(owner.pid)) return owner;
  return { ...owner, leftAt: Date.now(), reason: `process ${owner.pid} is gone` };
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it lives and belongs to somebody else.
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

/** Beats are monotonic time, which means nothing on another machine: that one is taken at its word. */
function silentMs(owner: Owner, self: Owner): number {
  if (self.machine !== owner.machine) return 0;
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1_000 + nanoseconds / 1e6 - owner.beatAt;
}

/** How many live workers take jobs from the queue. */
export function consumerCount({ alive }: Workforce, queue: string): number {
  return alive.filter(({ queues }) => queues.includes(queue)).length;
}
