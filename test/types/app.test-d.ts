import { describe, expectTypeOf, it } from "vitest";
import {
  type App,
  isUnjamError,
  type JobHandle,
  type JoinResult,
  open,
  type JobStatus,
  type OpenOptions,
  type OpenWait,
  type Owner,
  type QueueRecord,
  task,
} from "../../src/index.ts";
import type { PublishedSchema } from "./published-schema.ts";

declare const app: App;
declare const size: PublishedSchema<{ width: string }, { width: number }>;

const resize = task("resize", {}, async (input: { width: number }) => ({ bytes: input.width }));
const checked = task("checked", { input: size }, (input) => input.width);

describe("enqueue", () => {
  it("gives a handle whose result is what the handler returns", async () => {
    const job = await app.enqueue(resize, { width: 1 });

    expectTypeOf(job).toEqualTypeOf<JobHandle<{ bytes: number }>>();
    expectTypeOf(job.result).returns.resolves.toEqualTypeOf<{ bytes: number }>();
    expectTypeOf(job.status).returns.resolves.toEqualTypeOf<JobStatus>();
    expectTypeOf(job.cancel).returns.resolves.toBeBoolean();
    expectTypeOf(job.id).toBeString();
  });

  it("refuses a wrong, a missing and a misspelt input", () => {
    // @ts-expect-error -- a width is a number
    void app.enqueue(resize, { width: "wide" });
    // @ts-expect-error -- the width is missing
    void app.enqueue(resize, {});
    // @ts-expect-error -- it is width
    void app.enqueue(resize, { width: 1, hight: 2 });
    // @ts-expect-error -- an input is needed
    void app.enqueue(resize);
  });

  it("takes the schema's input, not its output", async () => {
    // @ts-expect-error -- before the schema the width is a text
    void app.enqueue(checked, { width: 1 });
    const job = await app.enqueue(checked, { width: "1" });

    expectTypeOf(job).toEqualTypeOf<JobHandle<number>>();
  });

  it("takes any input by a task's name, and knows nothing of the result", async () => {
    const job = await app.enqueue("resize", { width: "wide" });

    expectTypeOf(job).toEqualTypeOf<JobHandle>();
    expectTypeOf(job.result).returns.resolves.toBeUnknown();
  });

  it("refuses options that are misspelt or of another type", () => {
    // @ts-expect-error -- it is delayMs
    void app.enqueue(resize, { width: 1 }, { delay: 1_000 });
    // @ts-expect-error -- a Date or milliseconds
    void app.enqueue(resize, { width: 1 }, { runAt: "tomorrow" });
    // @ts-expect-error -- wait, reject, drop-newest, drop-oldest or { retry }
    void app.enqueue(resize, { width: 1 }, { whenFull: "drop" });
    // @ts-expect-error -- not a task
    void app.enqueue({ name: "resize" }, { width: 1 });
  });
});

describe("enqueueMany", () => {
  it("gives a handle for each input", async () => {
    const jobs = await app.enqueueMany(resize, [{ width: 1 }, { width: 2 }]);

    expectTypeOf(jobs).toEqualTypeOf<JobHandle<{ bytes: number }>[]>();
  });

  it("takes a list that cannot be changed", () => {
    const inputs = [{ width: 1 }] as const;

    expectTypeOf(app.enqueueMany(resize, inputs)).resolves.toEqualTypeOf<
      JobHandle<{ bytes: number }>[]
    >();
  });

  it("refuses a list with one wrong input, and a single input", () => {
    // @ts-expect-error -- the second width is a text
    void app.enqueueMany(resize, [{ width: 1 }, { width: "2" }]);
    // @ts-expect-error -- a list is needed
    void app.enqueueMany(resize, { width: 1 });
  });
});

describe("open", () => {
  it("gives an app, whatever it is given", () => {
    expectTypeOf(open).returns.resolves.toEqualTypeOf<App>();
    expectTypeOf<NonNullable<OpenOptions["tasks"]>>().toEqualTypeOf<
      URL | string | readonly object[]
    >();
  });

  it("refuses options that are misspelt or of another type", () => {
    // @ts-expect-error -- it is store
    void open({ database: "memory:" });
    // @ts-expect-error -- it is threads
    void open({ work: { thread: 2 } });
    // @ts-expect-error -- false is a producer; true says nothing
    void open({ work: true });
    // @ts-expect-error -- it is capacity
    void open({ queues: { images: { max: 10 } } });
    // @ts-expect-error -- threads or inline
    void open({ runtime: "process" });
    // @ts-expect-error -- a logger has warn and error too
    void open({ logger: { info: () => undefined } });
  });

  it("gives something that `await using` takes", () => {
    expectTypeOf<App>().toExtend<AsyncDisposable>();
  });
});

describe("what an app answers", () => {
  it("is typed by the question", () => {
    expectTypeOf(app.join).returns.resolves.toEqualTypeOf<JoinResult>();
    expectTypeOf(app.jobs).returns.resolves.toEqualTypeOf<readonly JobStatus[]>();
    expectTypeOf(app.waits).returns.resolves.toEqualTypeOf<readonly OpenWait[]>();
    expectTypeOf(app.queues).returns.resolves.toEqualTypeOf<readonly QueueRecord[]>();
    expectTypeOf(app.workers).returns.resolves.toEqualTypeOf<readonly Owner[]>();
    expectTypeOf(app.retry).returns.resolves.toEqualTypeOf<readonly string[]>();
    // @ts-expect-error -- there is no such state
    void app.jobs({ state: "failed" });
  });

  it("is typed by the event", () => {
    app.on("blocked", (data) => expectTypeOf(data.blockedMs).toBeNumber());
    app.on("timeout", (data) => expectTypeOf(data.timeoutMs).toBeNumber());
    // @ts-expect-error -- there is no such event
    app.on("done", () => undefined);
  });
});

describe("isUnjamError", () => {
  it("knows the details of a code", () => {
    const error: unknown = null;
    if (isUnjamError(error, "UNJAM_QUEUE_FULL")) {
      expectTypeOf(error.details).toEqualTypeOf<{
        queue: string;
        capacity: number;
        waitedMs: number;
      }>();
    }
    // @ts-expect-error -- there is no such code
    isUnjamError(error, "UNJAM_FULL");
  });
});
