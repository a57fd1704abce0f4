import { type JobStatus, statusOf } from "../client/job-handle.ts";
import type { EpochMs } from "../core/clock.ts";
import { fromErrorRecord, parseErrorRecord } from "../core/error-record.ts";
import { UnjamError } from "../core/errors.ts";
import { invariant } from "../core/invariant.ts";
import type { JobRecord } from "../core/job.ts";
import { parseJobId } from "../core/job-id.ts";
import { type JobState, STATE_FACTS } from "../core/job-state.ts";
import type { QueueRecord, Store } from "../store/store.ts";
import { Instants } from "./instants.ts";
import type { Follower } from "./manual-clock.ts";
import { realTimers } from "./real-timers.ts";
import { watchedStore } from "./watched-store.ts";

/** Which job, in which state, and for how many real milliseconds. */
export interface AwaitedState {
  readonly id: string;
  readonly state: JobState;
  readonly waitMs: number;
  readonly signal: AbortSignal | undefined;
}

/**
 * Sees every change in a test app's store. That is how a test can wait for a state by event, and
 * how the manual clock knows where it must stop.
 */
export class JobWatch implements Follower {
  readonly #instants = new Instants();
  readonly #listeners = new Set<() => void>();
  #store: Store | undefined;
  #isClosed = false;

  /** Puts itself around the store, as the runtime opens it. */
  decorate(store: Store): Store {
    this.#store = store;
    return watchedStore(store, {
      changed: () => this.#tell(),
      willChange: (at) => this.#instants.add(at),
      closed: () => {
        this.#isClosed = true;
        // Who still waits finds out.
        this.#tell();
      },
    });
  }

  async isBusy(): Promise<boolean> {
    if (this.#isClosed) return false;
    return (await this.queues()).some(({ counts }) => counts.leased > 0);
  }

  nextInstant(now: EpochMs): EpochMs | null {
    return this.#isClosed ? null : this.#instants.next(now);
  }

  queues(): Promise<readonly QueueRecord[]> {
    return this.#opened().queues();
  }

  /** When the first of the jobs that wait for a retry may start; `null` when none does. */
  async firstRetryAt(queue: string | null): Promise<EpochMs | null> {
    const query = { queue, states: ["scheduled"], limit: Number.MAX_SAFE_INTEGER } as const;
    const scheduled = await this.#opened().list({ ...query, after: null });
    const retrying = scheduled.filter(({ attempt, losses }) => attempt + losses > 0);
    if (retrying.length === 0) return null;
    return retrying.reduce((first, { runAt }) => Math.min(first, runAt ?? 0), Infinity);
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener();
  }

  /** Calls the listener after each change, in the same turn; call what it answers to stop. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /**
   * Resolves with the job's status as it was when it got into the state.
   * @throws UNJAM_WAIT_TIMEOUT, at once when the job is settled in another state; the signal's reason
   */
  waitFor({ id, state, waitMs, signal }: AwaitedState): Promise<JobStatus> {
    let last: JobRecord | undefined;
    const refusal = (waitedMs: number): Error => {
      const what = `the wait for job "${id}" to be ${state}`;
      const details = { what, waitedMs, state: last?.state ?? null };
      return new UnjamError("UNJAM_WAIT_TIMEOUT", details, causeOf(last));
    };
    return new Promise<JobStatus>((resolve, reject) => {
      const end = (): void => {
        stopListening();
        timer.cancel();
        signal?.removeEventListener("abort", onAbort);
      };
      const onAbort = (): void => {
        end();
        reject(signal?.reason);
      };
      const look = async (): Promise<void> => {
        const [record] = await this.#opened().get([parseJobId(id) ?? id]);
        last = record;
        if (record === undefined) return;
        if (record.state !== state && !STATE_FACTS[record.state].settled) return;
        end();
        if (record.state === state) resolve(statusOf(record));
        else reject(refusal(0));
      };
      const onChange = (): void => {
        look().catch((error: unknown) => {
          end();
          reject(error);
        });
      };
      const stopListening = this.onChange(onChange);
      const timer = realTimers.after(waitMs, () => {
        end();
        reject(refusal(waitMs));
      });
      if (signal?.aborted === true) onAbort();
      else {
        signal?.addEventListener("abort", onAbort, { once: true });
        onChange();
      }
    });
  }

  #opened(): Store {
    invariant(this.#store !== undefined, "a test app's store is open before it is asked");
    return this.#store;
  }
}

function causeOf(record: JobRecord | undefined): { readonly cause?: Error } {
  const error = record?.error ?? null;
  return error === null ? {} : { cause: fromErrorRecord(parseErrorRecord(error)) };
}
