import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { task, type Task } from "../../src/index.ts";
import { HARMFUL_DEEDS, HARMLESS_DEEDS, type Meddling } from "./fixtures/meddling.ts";
import * as processes from "./fixtures/process-tasks.ts";
import * as threads from "./fixtures/thread-tasks.ts";
import { ON_THREADS, Stage } from "./stage.ts";

interface Crew {
  readonly runs: "thread" | "process";
  readonly on: {
    readonly quick: Task<number, { readonly value: number }>;
    readonly parent: Task<number, string>;
    readonly failing: Task<unknown>;
    readonly late: Task<unknown>;
    readonly opening: Task<unknown>;
    readonly stubborn: Task<unknown>;
    readonly meddling: Task<Meddling, string>;
  };
  readonly tasks: URL;
  /** How an app has one of that kind, or none. */
  readonly one: { readonly threads: number } | { readonly processes: number };
  readonly none: { readonly threads: number } | { readonly processes: number };
  readonly timeoutMs: number;
}

/** Where handlers run off the loop. */
const CREWS: readonly Crew[] = [
  {
    runs: "thread",
    ...{ on: threads, tasks: new URL("./fixtures/thread-tasks.ts", import.meta.url) },
    ...{ one: { threads: 1 }, none: { threads: 0 }, timeoutMs: 100 },
  },
  {
    runs: "process",
    ...{ on: processes, tasks: new URL("./fixtures/process-tasks.ts", import.meta.url) },
    ...{ one: { processes: 1 }, none: { processes: 0 }, timeoutMs: 300 },
  },
];

const MODES = CREWS.flatMap((crew) => ON_THREADS.map((mode) => ({ ...crew, ...mode })));

describe.each(MODES)("a handler in a $runs of its own, $store", (mode) => {
  const { on, tasks, runs } = mode;

  it("that throws shows its error and its cause", async () => {
    await using stage = await Stage.open(mode);
    const app = await stage.app({ tasks, work: mode.one });

    const job = await app.enqueue(on.failing, {});

    await expect(job.result()).rejects.toMatchObject({
      code: "UNJAM_JOB_FAILED",
      cause: { name: "RangeError", message: "no luck", cause: { message: "the deeper reason" } },
    });
  });

  it("can open no app there, which would start threads of its own for each job", async () => {
    await using stage = await Stage.open(mode);
    const app = await stage.app({ tasks, work: mode.one });

    const job = await app.enqueue(on.opening, {});

    await expect(job.result()).rejects.toMatchObject({
      code: "UNJAM_JOB_FAILED",
      cause: { code: "UNJAM_OPEN_IN_JOB_THREAD" },
    });
  });

  it("can enqueue another job", async () => {
    await using stage = await Stage.open(mode);
    const app = await stage.app({ tasks, work: mode.one });

    const id = await (await app.enqueue(on.parent, 21)).result();

    expect(await app.job(id).result()).toMatchObject({ value: 21 });
    expect(await app.job(id).status()).toMatchObject({ priority: 2 });
  });

  it.each([
    ["holds its place", on.late],
    ["only never ends", on.stubborn],
  ])("that %s past its deadline is ended, and its slot works on", async (_how, slow) => {
    await using stage = await Stage.open(mode);
    const app = await stage.app({ tasks, work: mode.one });
    const replaced: { part: string }[] = [];
    app.on("replaced", (event) => replaced.push(event));
    const job = await app.enqueue(slow, {});
    const next = await app.enqueue(on.quick, 7);

    await expect(job.result()).rejects.toMatchObject({
      cause: { code: "UNJAM_ATTEMPT_TIMEOUT", details: { timeoutMs: mode.timeoutMs, runs } },
    });

    expect(await next.result()).toMatchObject({ value: 7 });
    expect(await job.status()).toMatchObject({ state: "dead", attempt: 1, losses: 0 });
    expect(await next.status()).toMatchObject({ attempt: 1, losses: 0 });
    expect(replaced).toMatchObject([{ part: `job ${runs}` }]);
  });

  it("cannot be given as a value", async () => {
    await using stage = await Stage.open(mode);
    const crunch = task("crunch", { runs }, async () => 1);

    await expect(stage.app({ tasks: [crunch] })).rejects.toMatchObject({
      code: "UNJAM_TASK_NEEDS_MODULE",
      details: { task: "crunch", runs },
    });
  });

  it("waits while nothing of that kind is there, and runs where it is", async () => {
    await using stage = await Stage.open({ ...mode, store: "sqlite" });
    const producer = await stage.app({ tasks, work: mode.none });
    const job = await producer.enqueue(on.quick, 3);
    const stateBefore = (await job.status()).state;

    await stage.app({ tasks, work: mode.one });

    expect(stateBefore).toBe("ready");
    expect(await job.result()).toMatchObject({ value: 3 });
  });
});

const IN_MEMORY = CREWS.map((crew) => ({ ...crew, store: "memory", runtime: "threads" }) as const);

describe.each(IN_MEMORY)(
  "code in a $runs that takes the line to its parent for its own",
  (mode) => {
    const { on, tasks, runs } = mode;

    it.each(HARMLESS_DEEDS)(
      "and %s changes nothing: its job is done, and so is the next",
      async (deed) => {
        await using stage = await Stage.open(mode);
        const app = await stage.app({ tasks, work: mode.one });
        const replaced: object[] = [];
        app.on("replaced", (event) => replaced.push(event));

        const job = await app.enqueue(on.meddling, { deed, mark: join(stage.folder, "mark") });
        const next = await app.enqueue(on.quick, 7);

        expect(await job.result()).toMatch(runs);
        expect(await next.result()).toMatchObject({ value: 7 });
        expect(await job.status()).toMatchObject({ attempt: 1, losses: 0 });
        expect(replaced).toEqual([]);
      },
    );

    it.each(HARMFUL_DEEDS[runs])(
      "and %s costs its job a loss, and the next nothing",
      async (deed) => {
        await using stage = await Stage.open(mode);
        const app = await stage.app({ tasks, work: mode.one });
        const replaced: { part: string }[] = [];
        app.on("replaced", (event) => replaced.push(event));

        const job = await app.enqueue(on.meddling, { deed, mark: join(stage.folder, "mark") });
        const next = await app.enqueue(on.quick, 7);

        expect(await job.result()).toBe("again");
        expect(await next.result()).toMatchObject({ value: 7 });
        expect(await job.status()).toMatchObject({ attempt: 1, losses: 1 });
        expect(await next.status()).toMatchObject({ attempt: 1, losses: 0 });
        expect(replaced).toMatchObject([{ part: `job ${runs}` }]);
      },
    );

    it("and logs what cannot be sent has its line, with text in place of that", async () => {
      await using stage = await Stage.open(mode);
      const app = await stage.app({ tasks, work: mode.one });
      const deed = "logs what cannot be sent";

      const job = await app.enqueue(on.meddling, { deed, mark: join(stage.folder, "mark") });
      await job.result();

      const fields = { n: 1, symbol: "Symbol(s)", call: "() => 1", deep: '{"n":2}', attempt: 1 };
      await expect
        .poll(() => stage.logged)
        .toContainEqual({
          ...{ level: "info", message: "about functions" },
          fields: expect.objectContaining(fields) as unknown,
        });
    });
  },
);

it("code on a thread that posts to parentPort is told once that nobody listens there", async () => {
  await using stage = await Stage.open({ store: "memory", runtime: "threads" });
  const app = await stage.app({
    tasks: new URL("./fixtures/thread-tasks.ts", import.meta.url),
    work: { threads: 1 },
  });
  const deed = "posts to its parent";

  for (const mark of ["first", "second"]) {
    const input = { deed, mark: join(stage.folder, mark) };
    await (await app.enqueue(threads.meddling, input)).result();
  }

  const stray = { level: "warn", message: expect.stringContaining("parentPort") as unknown };
  await expect.poll(() => stage.logged).toContainEqual(expect.objectContaining(stray));
  expect(stage.logged.filter(({ message }) => message.includes("parentPort"))).toHaveLength(1);
});
