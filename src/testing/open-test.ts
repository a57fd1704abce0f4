import type { App } from "../client/app.ts";
import { openWith } from "../client/open-app.ts";
import type { OpenOptions } from "../client/open-options.ts";
import { stderrLogger } from "../client/stderr-logger.ts";
import type { Task } from "../client/task.ts";
import type { Logger } from "../core/job-context.ts";
import { invalid, type OptionTable, readOptions } from "../core/options.ts";
import { JobWatch } from "./job-watch.ts";
import { ManualClock } from "./manual-clock.ts";
import type { RunSurroundings } from "./run-inline.ts";
import { TestApp } from "./test-app.ts";

/** What a test app can run. Everything else is fixed: `memory:`, one thread, no chance. */
export interface TestOptions {
  /** As for `open()`. Tasks for threads run here too, in the test's own thread. */
  readonly tasks: NonNullable<OpenOptions["tasks"]>;
  readonly queues?: NonNullable<OpenOptions["queues"]>;
  /** A clock of yours, which several test apps may share. Default one that starts at today's date. */
  readonly clock?: ManualClock;
  /** As for `open()`. Default writes warnings and errors to stderr. */
  readonly logger?: Logger;
}

interface TestValues {
  readonly tasks: unknown;
  readonly queues: unknown;
  readonly clock: unknown;
  readonly logger: unknown;
}

const TEST_OPTIONS = {
  tasks: {
    kind: "other",
    expected: "the URL of a module, or an array of tasks",
    about: "what can run",
  },
  queues: {
    kind: "other",
    expected: "an object of queue options by name",
    about: "capacity by queue",
  },
  clock: { kind: "other", expected: "a ManualClock", about: "the time of the app" },
  logger: { kind: "other", expected: "an object with info, warn and error", about: "a logger" },
} as const satisfies OptionTable<TestValues>;

/** The middle of every range: a backoff without jitter. */
const NO_CHANCE = 0.5;

/**
 * Opens an app for a test: jobs in memory, everything in this thread, and a clock that stands
 * still until the test moves it. Works under any runner. What is lost is what threads give:
 * a handler cannot be killed, and one that blocks, blocks the test.
 *
 * Backoff has no jitter here: with the defaults, retries come after 1 s, 2 s, 4 s, 8 s.
 *
 * @throws as `open()` does
 *
 * @example
 * import assert from "node:assert/strict";
 * import { task } from "unjam";
 * import { openTest } from "unjam/testing";
 * let calls = 0;
 * const flaky = task("flaky", { attempts: 3 }, async () => {
 *   if (++calls < 3) throw new Error("not yet");
 *   return calls;
 * });
 * const test = await openTest({ tasks: [flaky] });
 * try {
 *   const job = await test.app.enqueue(flaky, {});
 *   await test.waitFor(job, "scheduled");
 *   const { done } = await test.drain();
 *   assert.deepEqual([done, await job.result()], [1, 3]);
 * } finally {
 *   await test.close();
 * }
 */
export async function openTest(options: TestOptions): Promise<TestApp> {
  const given = readOptions(TEST_OPTIONS, options, "openTest()");
  if (given.tasks === undefined) {
    throw invalid("tasks", "openTest()", TEST_OPTIONS.tasks.expected, given.tasks);
  }
  const { tasks, queues, logger, clock = new ManualClock() } = options;
  if (!(clock instanceof ManualClock)) {
    throw invalid("clock", "openTest()", "a ManualClock", clock);
  }
  const watch = new JobWatch();
  const app = await openWith(
    { clock, timers: clock, random: () => NO_CHANCE, decorate: (store) => watch.decorate(store) },
    {
      ...{ store: "memory:", runtime: "inline", tasks },
      ...(queues === undefined ? {} : { queues }),
      ...(logger === undefined ? {} : { logger }),
    },
  );
  const onClose = clock.follow(watch);
  return new TestApp({
    ...{ app, clock, watch, onClose },
    around: surroundings(app, { clock, logger: logger ?? stderrLogger }),
  });
}

function surroundings(
  app: App,
  { clock, logger }: { readonly clock: ManualClock; readonly logger: Logger },
): RunSurroundings {
  return {
    clock,
    log: ({ level, message, fields }) => logger[level]?.(fields, message),
    enqueue: (target, input, options) => {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a task or not, enqueue looks for itself.
      return app.enqueue(target as Task<unknown>, input, options);
    },
    result: (_lease, job, { waitMs, signal }) =>
      app.job(job).result({ waitMs, ...(signal === undefined ? {} : { signal }) }),
  };
}
