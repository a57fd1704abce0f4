import { describe, expect, it } from "vitest";
import { task } from "../../src/index.ts";
import { HeldTask } from "./held-task.ts";
import { CORNERS, Stage } from "./stage.ts";

const BYTES_MAX = 262_144;

describe.each(CORNERS)("results on $store, $runtime", (mode) => {
  it.each([
    ["an object", { a: [1, "two", null], b: { c: true } }],
    ["a text with every kind of character", 'line\n"quoted" \u2028 🦕 \\'],
    ["null", null],
    ["zero", 0],
    ["an empty text", ""],
  ])("are what the handler returned: %s", async (_what, value) => {
    await using stage = await Stage.open(mode);
    const give = task("give", {}, async () => value);
    const app = await stage.app({ tasks: [give] });

    const job = await app.enqueue(give, {});

    expect(await job.result()).toEqual(value);
    expect(await job.status()).toMatchObject({ state: "done", result: value });
  });

  it("are undefined when the handler returns nothing, and the status has none", async () => {
    await using stage = await Stage.open(mode);
    const quiet = task("quiet", {}, async () => undefined);
    const app = await stage.app({ tasks: [quiet] });

    const job = await app.enqueue(quiet, {});

    expect(await job.result()).toBeUndefined();
    expect(await job.status()).not.toHaveProperty("result");
  });

  it("go through JSON: dates become texts, and what JSON leaves out is left out", async () => {
    await using stage = await Stage.open(mode);
    const give = task("give", {}, async () => ({ at: new Date(0), gone: undefined, not: NaN }));
    const app = await stage.app({ tasks: [give] });

    const job = await app.enqueue(give, {});

    expect(await job.result()).toEqual({ at: "1970-01-01T00:00:00.000Z", not: null });
  });

  it("can be read as often as one likes, and by many at once", async () => {
    await using stage = await Stage.open(mode);
    const give = task("give", {}, async () => 7);
    const app = await stage.app({ tasks: [give] });
    const job = await app.enqueue(give, {});

    const results = await Promise.all(Array.from({ length: 20 }, () => job.result()));

    expect(new Set(results)).toEqual(new Set([7]));
    expect(await app.job(job.id).result()).toBe(7);
  });

  it("that are too large are not stored: the job is done, and says so", async () => {
    await using stage = await Stage.open(mode);
    const large = task("large", {}, async () => "x".repeat(BYTES_MAX));
    const app = await stage.app({ tasks: [large] });

    const job = await app.enqueue(large, {});

    await expect(job.result()).rejects.toMatchObject({
      code: "UNJAM_RESULT_TOO_LARGE",
      details: { bytes: BYTES_MAX + 2, bytesMax: BYTES_MAX },
    });
    expect(await job.status()).toMatchObject({ state: "done", attempt: 1 });
  });

  it("of exactly the limit are stored", async () => {
    await using stage = await Stage.open(mode);
    const large = task("large", {}, async () => "x".repeat(BYTES_MAX - 2));
    const app = await stage.app({ tasks: [large] });

    const job = await app.enqueue(large, {});

    expect(await job.result()).toHaveLength(BYTES_MAX - 2);
  });

  const cycle: { self?: unknown } = {};
  cycle.self = cycle;
  it.each([
    ["a BigInt", () => 1n],
    ["a cycle", () => cycle],
    ["a function", () => () => 1],
    [
      "a getter that throws",
      () => ({
        get trap(): never {
          throw new Error("boom");
        },
      }),
    ],
  ])("that are not JSON leave the job done, and say so: %s", async (_what, give) => {
    await using stage = await Stage.open(mode);
    const odd = task("odd", {}, async () => give());
    const app = await stage.app({ tasks: [odd] });

    const job = await app.enqueue(odd, {});

    await expect(job.result()).rejects.toMatchObject({ code: "UNJAM_RESULT_NOT_SERIALIZABLE" });
    expect(await job.status()).toMatchObject({ state: "done" });
  });

  it("that are not there in time end the wait, not the work", async () => {
    await using stage = await Stage.open(mode);
    const held = new HeldTask();
    const app = await stage.app({ tasks: [held.task] });
    const job = await app.enqueue(held.task, {});
    const body = await held.next();

    await expect(job.result({ waitMs: 20 })).rejects.toMatchObject({ code: "UNJAM_WAIT_TIMEOUT" });
    body.end("later");

    expect(await job.result()).toBe("later");
  });

  it("are not waited for any longer when the signal aborts, with the signal's reason", async () => {
    await using stage = await Stage.open(mode);
    const held = new HeldTask();
    const app = await stage.app({ tasks: [held.task] });
    const job = await app.enqueue(held.task, {});
    const controller = new AbortController();
    const reason = new Error("the browser went away");

    const waiting = job.result({ signal: controller.signal });
    controller.abort(reason);

    await expect(waiting).rejects.toBe(reason);
    await expect(job.result({ signal: controller.signal })).rejects.toBe(reason);
    expect(await app.waits()).toEqual([]);
  });
});

describe.each(CORNERS)("progress on $store, $runtime", (mode) => {
  it("can be read while the job runs, with its note, and starts with none", async () => {
    await using stage = await Stage.open(mode);
    const held = new HeldTask();
    const app = await stage.app({ tasks: [held.task] });
    const job = await app.enqueue(held.task, {});
    const { context } = await held.next();
    const before = await job.status();

    context.progress(0.25, "page 1 of 4");

    expect(before).toMatchObject({ progress: null, note: null, state: "leased" });
    await expect.poll(() => job.status()).toMatchObject({ progress: 0.25, note: "page 1 of 4" });
  });

  it("keeps the latest of many reports, and the note while only the fraction moves", async () => {
    await using stage = await Stage.open(mode);
    const held = new HeldTask();
    const app = await stage.app({ tasks: [held.task] });
    const job = await app.enqueue(held.task, {});
    const { context } = await held.next();

    context.step("reading");
    for (let part = 1; part <= 1_000; part++) context.progress(part / 1_000);

    await expect.poll(() => job.status()).toMatchObject({ progress: 1, note: "reading" });
  });

  it("has notes of at most 500 characters", async () => {
    await using stage = await Stage.open(mode);
    const held = new HeldTask();
    const app = await stage.app({ tasks: [held.task] });
    const job = await app.enqueue(held.task, {});
    const { context } = await held.next();

    context.step("n".repeat(10_000));

    await expect.poll(async () => (await job.status()).note?.length).toBe(500);
  });

  it.each([-0.1, 1.1, Number.NaN, "half" as never])(
    "refuses %s: a share is 0 to 1",
    async (share) => {
      await using stage = await Stage.open(mode);
      const held = new HeldTask();
      const app = await stage.app({ tasks: [held.task] });
      await app.enqueue(held.task, {});
      const { context } = await held.next();

      expect(() => context.progress(share)).toThrow(
        expect.objectContaining({ code: "UNJAM_INVALID_OPTION" }),
      );
    },
  );

  it("goes on being refused to an attempt that no longer counts", async () => {
    await using stage = await Stage.open(mode);
    const held = new HeldTask();
    const app = await stage.app({ tasks: [held.task] });
    const job = await app.enqueue(held.task, {});
    const { context } = await held.next();
    await job.cancel();
    await expect.poll(() => context.signal.aborted).toBe(true);

    expect(() => context.progress(0.5)).toThrow(
      expect.objectContaining({ code: "UNJAM_LEASE_LOST" }),
    );
  });
});

describe.each(CORNERS)("what a handler knows on $store, $runtime", (mode) => {
  it("is its job, its attempt, a token that rises with it, and its deadline", async () => {
    await using stage = await Stage.open(mode);
    const seen: { jobId: string; attempt: number; token: number; leftMs: number }[] = [];
    const look = task(
      "look",
      { timeoutMs: 60_000, backoff: { firstMs: 1 } },
      async (_, { jobId, attempt, token, deadlineAt }) => {
        seen.push({ jobId, attempt, token, leftMs: deadlineAt - Date.now() });
        if (attempt === 1) throw new Error("once more");
      },
    );
    const app = await stage.app({ tasks: [look] });

    const job = await app.enqueue(look, {});
    await job.result();

    expect(seen.map(({ jobId, attempt }) => [jobId, attempt])).toEqual([
      [job.id, 1],
      [job.id, 2],
    ]);
    expect(seen[1]?.token).toBeGreaterThan(seen[0]?.token ?? Infinity);
    expect(seen.every(({ leftMs }) => leftMs > 0 && leftMs <= 60_000)).toBe(true);
  });

  it("goes to the app's logger with ctx.log, with the job, the task and the attempt", async () => {
    await using stage = await Stage.open(mode);
    const speak = task("speak", {}, async (_, context) => {
      context.log("info", "hello", { page: 3 });
      context.log("debug", "details");
    });
    const app = await stage.app({ tasks: [speak] });

    const job = await app.enqueue(speak, {});
    await job.result();

    const about = { jobId: job.id, task: "speak", attempt: 1 };
    await expect
      .poll(() => stage.logged)
      .toEqual([
        { level: "info", message: "hello", fields: { page: 3, ...about } },
        { level: "debug", message: "details", fields: about },
      ]);
  });

  it("can enqueue another job, which is stored when the call resolves", async () => {
    await using stage = await Stage.open(mode);
    const child = task("child", {}, async (n: number) => n * 2);
    const boss = task("boss", {}, async (n: number, context) => {
      const { id } = await context.enqueue(child, n, { priority: 3 });
      return id;
    });
    const app = await stage.app({ tasks: [child, boss] });

    const id = await (await app.enqueue(boss, 21)).result();

    expect(await app.job(id).result()).toBe(42);
    expect(await app.job(id).status()).toMatchObject({ priority: 3, task: "child" });
  });
});
