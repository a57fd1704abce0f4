import { describe, expect, it } from "vitest";
import { DatabaseSync } from "node:sqlite";
import { task, type TraceContext } from "../../src/index.ts";
import * as inChildren from "./fixtures/process-tasks.ts";
import * as onThreads from "./fixtures/thread-tasks.ts";
import { EVERYWHERE, ON_THREADS, Stage } from "./stage.ts";

const TRACE: TraceContext = {
  traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
  tracestate: "rojo=00f067aa0ba902b7",
};
const traced = task("traced", {}, async (_: unknown, context) => context.trace ?? null);
const family = task("family", {}, async (_: unknown, context) => {
  const child = await context.enqueue(traced, {}, { trace: context.trace });
  return child.result();
});

describe.each(EVERYWHERE)("the trace of a job on $store, $runtime", (mode) => {
  it("is what its handler is given, and none where none was given", async () => {
    await using stage = await Stage.open(mode);
    const app = await stage.app({ tasks: [traced] });

    const jobs = [
      await app.enqueue(traced, {}, { trace: TRACE }),
      await app.enqueue(traced, {}),
      await app.enqueue(traced, {}, { trace: {} }),
      ...(await app.enqueueMany(traced, [1, 2], { trace: TRACE })),
    ];

    const seen = await Promise.all(jobs.map((job) => job.result()));
    expect(seen).toEqual([TRACE, null, null, TRACE, TRACE]);
  });

  it("can be passed on to what the handler enqueues", async () => {
    await using stage = await Stage.open(mode);
    const app = await stage.app({ tasks: [traced, family] });

    const job = await app.enqueue(family, {}, { trace: TRACE });

    expect(await job.result()).toEqual(TRACE);
  });

  it("is refused when it is none, and nothing is stored", async () => {
    await using stage = await Stage.open(mode);
    const app = await stage.app({ tasks: [traced] });

    const refused = app.enqueue(traced, {}, { trace: { traceparent: "00-1-2-01" } });

    await expect(refused).rejects.toMatchObject({ code: "UNJAM_INVALID_OPTION" });
    expect(await app.jobs()).toEqual([]);
  });
});

describe.each([
  { lane: "a thread", on: onThreads, module: "./fixtures/thread-tasks.ts" },
  { lane: "a child process", on: inChildren, module: "./fixtures/process-tasks.ts" },
])("the trace of a job in $lane", ({ on, module }) => {
  it.each(ON_THREADS)("is what its handler is given, on $store", async (mode) => {
    await using stage = await Stage.open(mode);
    const app = await stage.app({ tasks: new URL(module, import.meta.url), work: { threads: 1 } });

    const job = await app.enqueue(on.traced, {}, { trace: TRACE });

    expect(await job.result()).toEqual(TRACE);
  });
});

describe("the trace of a job in a file", () => {
  it("goes from one app to another, beside what a later build has added", async () => {
    await using stage = await Stage.open({ store: "sqlite", runtime: "threads" });
    const producer = await stage.app({ tasks: [traced], work: false });
    const job = await producer.enqueue(traced, {}, { trace: TRACE });
    using db = new DatabaseSync(stage.store.replace("sqlite:", ""));
    db.exec(`PRAGMA busy_timeout = 5000;
      UPDATE jobs SET extra = json_set(extra, '$.later', 1, '$.trace.later', 2)`);

    await stage.app({ tasks: [traced] });

    expect(await job.result()).toEqual(TRACE);
    expect(JSON.parse(String(db.prepare("SELECT extra FROM jobs").get()?.["extra"]))).toEqual({
      trace: { ...TRACE, later: 2 },
      later: 1,
    });
  });
});
