import type { App } from "../client/app.ts";
import type { JobHandle, JobStatus } from "../client/job-handle.ts";
import type { JoinResult } from "../client/join.ts";
import type { Task } from "../client/task.ts";
import { JOB_STATES, type JobState } from "../core/job-state.ts";
import { TIMER_MS_MAX } from "../core/limits.ts";
import {
  invalid,
  type OptionSpec,
  type OptionTable,
  readOptions,
  readSignal,
} from "../core/options.ts";
import { drain } from "./drain.ts";
import type { JobWatch } from "./job-watch.ts";
import type { ManualClock } from "./manual-clock.ts";
import { type RunOptions, type RunSurroundings, runWithin } from "./run-inline.ts";

/** Less than the 5 s after which vitest and jest give up: their error would not name the job. */
const WAIT_MS_DEFAULT = 4_000;

/** Bounds of one wait. `waitMs` are real milliseconds, whatever the clock of the app says. */
export interface TestWaitOptions {
  /** 0 to 2^31-1, default 4_000. */
  readonly waitMs?: number;
  readonly signal?: AbortSignal;
}

export interface DrainOptions extends TestWaitOptions {
  /** Only this queue. */
  readonly queue?: string;
}

interface WaitValues {
  readonly waitMs: number;
  readonly signal: unknown;
}

const WAIT_OPTIONS: OptionTable<WaitValues> = {
  waitMs: {
    kind: "number",
    unit: "ms",
    fallback: WAIT_MS_DEFAULT,
    min: 0,
    max: TIMER_MS_MAX,
    about: "real time for the wait",
  },
  signal: { kind: "other", expected: "an AbortSignal", about: "ends the wait, not the work" },
};

const QUEUE: OptionSpec = { kind: "queue", fallback: undefined, about: "only this queue" };
const DRAIN_OPTIONS: OptionTable<WaitValues & { readonly queue: string | undefined }> = {
  ...WAIT_OPTIONS,
  queue: QUEUE,
};

/** An open app for one test, with the time in your hands. Made by `openTest()`. */
export class TestApp implements AsyncDisposable {
  /** The app as your code knows it. Its waits and deadlines go by {@link clock}. */
  readonly app: App;
  readonly clock: ManualClock;
  readonly #watch: JobWatch;
  readonly #around: RunSurroundings;
  readonly #onClose: () => void;

  /** @param parts what `openTest()` has put together; not for users. */
  constructor(parts: {
    readonly app: App;
    readonly clock: ManualClock;
    readonly watch: JobWatch;
    readonly around: RunSurroundings;
    readonly onClose: () => void;
  }) {
    this.app = parts.app;
    this.clock = parts.clock;
    this.#watch = parts.watch;
    this.#around = parts.around;
    this.#onClose = parts.onClose;
  }

  /**
   * Calls a task's handler once, outside of the queue, as the function `runInline` does; here
   * `ctx.enqueue` adds to this app, `ctx.log` writes to its logger and `ctx.deadlineAt` goes by
   * its clock.
   * @throws as `runInline` does
   */
  runInline<In, Out>(task: Task<In, Out>, input: NoInfer<In>, options?: RunOptions): Promise<Out> {
    return runWithin(this.#around, task, { input, options });
  }

  /**
   * Runs everything that is due to its end. Jobs that wait for a retry are due: the clock is moved
   * to them, and no further, so jobs that are delayed beyond stay where they are. While a handler
   * runs, time stands still; one that waits for its deadline needs `clock.advance`.
   *
   * @returns what `app.join()` answers: counts since the app was opened, and the first ten errors
   * @throws UNJAM_JOIN_TIMEOUT, naming what is unfinished: at once when nobody here can run it,
   *   after `waitMs` of real time when a handler does not end
   */
  async drain(options?: DrainOptions): Promise<JoinResult> {
    const { queue, waitMs, signal } = readOptions(DRAIN_OPTIONS, options, "test.drain()");
    const { app, clock } = this;
    const bounds = { waitMs, signal: readSignal(signal, "test.drain()") };
    return drain({ app, clock, watch: this.#watch, queue, ...bounds });
  }

  /**
   * Waits until a job is in a state, however shortly, and answers its status at that moment. It
   * goes by the changes of the store and never moves the clock: start what makes time pass before
   * you await it. A job in the state already is answered at once.
   *
   * @param job a handle, or an id, of which a job need not exist yet
   * @throws UNJAM_WAIT_TIMEOUT after `waitMs` of real time, or at once when the job is settled in
   *   another state; the job's own error is the cause
   */
  async waitFor(
    job: JobHandle | string,
    state: JobState,
    options?: TestWaitOptions,
  ): Promise<JobStatus> {
    const { waitMs, signal } = readOptions(WAIT_OPTIONS, options, "test.waitFor()");
    if (!JOB_STATES.includes(state)) {
      throw invalid("state", "test.waitFor()", `one of ${JOB_STATES.join(", ")}`, state);
    }
    const id = typeof job === "string" ? job : job.id;
    const bounds = { waitMs, signal: readSignal(signal, "test.waitFor()") };
    return this.#watch.waitFor({ id, state, ...bounds });
  }

  /**
   * Closes the app at once. Handlers that still run are told by their signal and not waited for;
   * call `drain()` first if they should end. Safe to call twice.
   */
  async close(): Promise<void> {
    await this.app.close({ graceMs: 0 });
    this.#onClose();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
