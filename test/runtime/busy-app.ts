import { expect } from "vitest";
import type { App } from "../../src/client/app.ts";
import type { JobHandle } from "../../src/client/job-handle.ts";
import { type Task, task } from "../../src/client/task.ts";
import type { Timers } from "../../src/core/clock.ts";
import { isUnjamError } from "../../src/core/errors.ts";
import { giveUp, retryIn } from "../../src/core/verdict.ts";
import type { SeededChance } from "./seeded-chance.ts";

type Input = { readonly for: number };
type Deed = (work: BusyWork) => Promise<unknown>;

/** All that a user may do to an open app, each with its own way to fail. */
const DEEDS: readonly Deed[] = [
  ({ app, tasks, chance }) => app.enqueue(chance.pick(tasks), { for: chance.upTo(20) }),
  ({ app, tasks, chance }) =>
    app.enqueue(chance.pick(tasks), { for: 1 }, { delayMs: chance.upTo(100), key: "k" }),
  ({ app, tasks, chance }) =>
    app.enqueueMany(
      chance.pick(tasks),
      Array.from({ length: chance.upTo(8) }, () => ({ for: 2 })),
    ),
  ({ app, tasks, chance }) =>
    app.enqueue(chance.pick(tasks), { for: 1 }, { whenFull: { retry: { firstMs: 5 } } }),
  ({ app, chance }) => app.join({ waitMs: chance.upTo(50) }),
  ({ app }) => app.jobs({ limit: 5 }),
  ({ app, chance }) => (chance.next() < 0.5 ? app.pause("busy") : app.resume("busy")),
  ({ anyJob }) => anyJob()?.result({ waitMs: 200 }) ?? Promise.resolve(),
  ({ anyJob }) => anyJob()?.cancel() ?? Promise.resolve(),
  ({ anyJob }) => anyJob()?.status() ?? Promise.resolve(),
];

/** Work that flows through an app until it is closed in the middle of it. */
export class BusyWork {
  readonly app: App;
  readonly chance: SeededChance;
  readonly tasks: readonly Task<Input>[];
  readonly #jobs: JobHandle[] = [];
  readonly #calls: Promise<unknown>[] = [];

  constructor(app: App, chance: SeededChance, tasks: readonly Task<Input>[]) {
    this.app = app;
    this.chance = chance;
    this.tasks = tasks;
  }

  /** Does something, and keeps what it comes to. */
  readonly deed = (): void => {
    const call = this.chance
      .pick(DEEDS)(this)
      .then((made) => this.#note(made));
    this.#calls.push(call.catch((error: unknown) => error));
  };

  /** Everything that was called so far, each as its answer or its error. */
  outcomes(): Promise<unknown[]> {
    return Promise.all(this.#calls);
  }

  readonly anyJob = (): JobHandle | undefined =>
    this.#jobs.length === 0 ? undefined : this.chance.pick(this.#jobs);

  #note(made: unknown): void {
    for (const each of Array.isArray(made) ? made : [made]) {
      if (typeof each === "object" && each !== null && "cancel" in each)
        this.#jobs.push(each as JobHandle);
    }
  }
}

/** Handlers of all sorts: quick, slow, failing, polite and deaf. */
export function busyTasks(chance: SeededChance, timers: Timers): readonly Task<Input>[] {
  const options = { queue: "busy", timeoutMs: 30, attempts: 3, backoff: { firstMs: 5 } };
  const wait = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      timers.after(ms, resolve);
    });
  return [
    task("quick", options, async (input: Input) => input.for),
    task("slow", options, async (input: Input) => wait(input.for)),
    task("deaf", options, async (input: Input) => wait(input.for * 5)),
    task("polite", options, (_: Input, { signal }) => {
      return new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      });
    }),
    task("failing", options, async (input: Input) => {
      if (chance.next() < 0.3) throw giveUp("no use");
      throw chance.next() < 0.5 ? retryIn(input.for) : new Error("no luck");
    }),
    task("parent", options, async (input: Input, context) => {
      context.progress(0.5, "half");
      return context.enqueue({ name: "quick" }, input);
    }),
  ];
}

/** What a call may come to, besides its answer. Anything else is a bug in the runtime. */
export function expectOnlyKnownErrors(outcomes: readonly unknown[]): void {
  const strange = outcomes.filter((outcome) => outcome instanceof Error && !isUnjamError(outcome));

  expect(strange).toEqual([]);
}
