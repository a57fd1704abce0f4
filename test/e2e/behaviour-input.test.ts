import { describe, expect, it } from "vitest";
import { type App, task } from "../../src/index.ts";
import { CORNERS, Stage } from "./stage.ts";
import { brokenSchema, orderSchema, slowOrderSchema } from "./standard-schemas.ts";

const BYTES_MAX = 262_144;
const DEPTH_MAX = 100;

const echo = task("echo", {}, async (input: unknown) => input);

/** An array in an array in an array … */
function nested(levels: number): unknown {
  let value: unknown = [];
  for (let level = 1; level < levels; level++) value = [value];
  return value;
}

describe.each(CORNERS)("inputs on $store, $runtime", (mode) => {
  it.each([
    ["a BigInt", 1n],
    ["undefined", undefined],
    ["a function", () => 1],
    ["a symbol", Symbol("s")],
  ])("that are not JSON are refused: %s", async (_what, input) => {
    await using stage = await Stage.open(mode);
    const app = await stage.app({ tasks: [echo] });

    await expect(app.enqueue("echo", input)).rejects.toMatchObject({
      code: "UNJAM_PAYLOAD_NOT_SERIALIZABLE",
      httpStatus: 400,
      details: { task: "echo" },
    });
    expect(await app.jobs()).toEqual([]);
  });

  it("that contain themselves are refused", async () => {
    await using stage = await Stage.open(mode);
    const app = await stage.app({ tasks: [echo] });
    const cycle: { self?: unknown } = {};
    cycle.self = cycle;

    await expect(app.enqueue("echo", cycle)).rejects.toMatchObject({
      code: "UNJAM_PAYLOAD_NOT_SERIALIZABLE",
    });
  });

  it.each([
    [
      "a getter",
      () => ({
        get trap(): never {
          throw new Error("boom");
        },
      }),
    ],
    [
      "a toJSON",
      () => ({
        toJSON: (): never => {
          throw new Error("boom");
        },
      }),
    ],
    [
      "a proxy",
      () =>
        new Proxy(
          {},
          {
            ownKeys: () => {
              throw new Error("boom");
            },
          },
        ),
    ],
  ])("whose %s throws are refused with its words, and the app goes on", async (_what, make) => {
    await using stage = await Stage.open(mode);
    const app = await stage.app({ tasks: [echo] });

    const refused = app.enqueue("echo", make());

    await expect(refused).rejects.toMatchObject({
      code: "UNJAM_PAYLOAD_NOT_SERIALIZABLE",
      details: { reason: "boom" },
    });
    expect(await (await app.enqueue("echo", "next")).result()).toBe("next");
  });

  it("may enqueue from inside their toJSON", async () => {
    await using stage = await Stage.open(mode);
    const app = await stage.app({ tasks: [echo] });
    const inner: ReturnType<App["enqueue"]>[] = [];
    const input = {
      toJSON(): string {
        inner.push(app.enqueue("echo", "inner"), app.enqueue("echo", "inner too"));
        return "outer";
      },
    };

    const outer = await app.enqueue("echo", input);

    expect(await outer.result()).toBe("outer");
    const results = await Promise.all(inner.map(async (job) => (await job).result()));
    expect(results).toEqual(["inner", "inner too"]);
  });

  it("are taken as they are at the call: what is changed later does not count", async () => {
    await using stage = await Stage.open(mode);
    const app = await stage.app({ tasks: [echo] });
    const input = { n: 1 };

    const enqueued = app.enqueue("echo", input);
    input.n = 2;

    expect(await (await enqueued).result()).toEqual({ n: 1 });
  });

  it("with the key __proto__ or constructor change nothing but themselves", async () => {
    await using stage = await Stage.open(mode);
    const look = task("look", {}, async (input: object) => ({
      own: Object.keys(input).toSorted(),
      isAdmin: "isAdmin" in {},
      text: JSON.stringify(input),
    }));
    const app = await stage.app({ tasks: [look] });
    const text = '{"__proto__":{"isAdmin":true},"constructor":{"prototype":{"isAdmin":true}}}';

    const job = await app.enqueue(look, JSON.parse(text) as object);

    expect(await job.result()).toEqual({ own: ["__proto__", "constructor"], isAdmin: false, text });
    expect(Reflect.get({}, "isAdmin")).toBeUndefined();
  });

  it("of the largest size are stored, and one byte more is refused", async () => {
    await using stage = await Stage.open(mode);
    const length = task("length", {}, async (input: string) => input.length);
    const app = await stage.app({ tasks: [length] });

    const job = await app.enqueue(length, "x".repeat(BYTES_MAX - 2));
    const refused = app.enqueue(length, "x".repeat(BYTES_MAX - 1));

    await expect(refused).rejects.toMatchObject({
      code: "UNJAM_PAYLOAD_TOO_LARGE",
      httpStatus: 413,
      details: { bytes: BYTES_MAX + 1, bytesMax: BYTES_MAX },
    });
    expect(await job.result()).toBe(BYTES_MAX - 2);
  });

  it("are measured in bytes, not in characters", async () => {
    await using stage = await Stage.open(mode);
    const app = await stage.app({ tasks: [echo] });

    const refused = app.enqueue("echo", "🦕".repeat(BYTES_MAX / 4));

    await expect(refused).rejects.toMatchObject({ details: { bytes: BYTES_MAX + 2 } });
  });

  it("are as deep as the limit, and no deeper", async () => {
    await using stage = await Stage.open(mode);
    const app = await stage.app({ tasks: [echo] });

    const job = await app.enqueue("echo", nested(DEPTH_MAX));
    const refused = app.enqueue("echo", nested(DEPTH_MAX + 1));

    await expect(refused).rejects.toMatchObject({ code: "UNJAM_PAYLOAD_TOO_DEEP" });
    expect(await job.result()).toEqual(nested(DEPTH_MAX));
  });

  it("that are brackets in a text are not deep", async () => {
    await using stage = await Stage.open(mode);
    const app = await stage.app({ tasks: [echo] });
    const brackets = '["\\'.repeat(1_000);

    expect(await (await app.enqueue("echo", brackets)).result()).toBe(brackets);
  });
});

describe.each(CORNERS)("bad calls on $store, $runtime", (mode) => {
  it.each([
    ["an unknown option", { prio: 1 }, "UNJAM_UNKNOWN_OPTION"],
    ["a wrong unit", { delayMs: "5s" }, "UNJAM_INVALID_OPTION"],
    ["a negative delay", { delayMs: -1 }, "UNJAM_INVALID_OPTION"],
    ["a priority out of bounds", { priority: 10 }, "UNJAM_INVALID_OPTION"],
    ["a priority that is not whole", { priority: 1.5 }, "UNJAM_INVALID_OPTION"],
    ["runAt beside delayMs", { runAt: 1, delayMs: 1 }, "UNJAM_INVALID_OPTION"],
    ["a date that is none", { runAt: new Date("never") }, "UNJAM_INVALID_OPTION"],
    ["a runAt in nanoseconds", { runAt: 1.8e18 }, "UNJAM_INVALID_OPTION"],
    ["a runAt beyond all dates", { runAt: 2 ** 53 }, "UNJAM_INVALID_OPTION"],
    ["an empty id", { id: "" }, "UNJAM_INVALID_OPTION"],
    ["an id that is too long", { id: "x".repeat(129) }, "UNJAM_INVALID_OPTION"],
    ["a key that is no text", { key: 7 }, "UNJAM_INVALID_OPTION"],
    ["an expiry of nothing", { expireMs: 0 }, "UNJAM_INVALID_OPTION"],
    ["a policy that is none", { whenFull: "panic" }, "UNJAM_INVALID_OPTION"],
    ["a signal that is none", { signal: {} }, "UNJAM_INVALID_OPTION"],
    ["a transaction", { tx: {} }, "UNJAM_NOT_SUPPORTED"],
    ["null", null, "UNJAM_INVALID_OPTION"],
  ])("of enqueue are refused: %s", async (_what, options, code) => {
    await using stage = await Stage.open(mode);
    const app = await stage.app({ tasks: [echo] });

    await expect(app.enqueue("echo", 1, options as never)).rejects.toMatchObject({ code });
    expect(await app.jobs()).toEqual([]);
  });

  it.each([["who"], [{ name: "who" }], [undefined], [null], [7]])(
    "are refused for a task that nobody knows: %j",
    async (name) => {
      await using stage = await Stage.open(mode);
      const app = await stage.app({ tasks: [echo] });

      await expect(app.enqueue(name as never, 1)).rejects.toMatchObject({
        code: "UNJAM_TASK_UNKNOWN",
        details: { known: ["echo"] },
      });
    },
  );

  it.each([[undefined], ["text"], [{ length: 1 }], [7]])(
    "of enqueueMany are refused when the inputs are no array: %j",
    async (inputs) => {
      await using stage = await Stage.open(mode);
      const app = await stage.app({ tasks: [echo] });

      await expect(app.enqueueMany("echo", inputs as never)).rejects.toMatchObject({
        code: "UNJAM_INVALID_OPTION",
      });
    },
  );
});

describe.each(CORNERS)("a task with a schema on $store, $runtime", (mode) => {
  it.each([
    ["at once", orderSchema],
    ["after a while", slowOrderSchema],
  ])("refuses an input that does not fit, when the schema answers %s", async (_when, input) => {
    await using stage = await Stage.open(mode);
    const order = task("order", { input }, async (given) => given);
    const app = await stage.app({ tasks: [order] });

    const refused = app.enqueue("order", { count: "many" });

    await expect(refused).rejects.toMatchObject({
      code: "UNJAM_PAYLOAD_INVALID",
      httpStatus: 400,
      details: { task: "order", issues: ["item: expected a text", "count: expected a number"] },
    });
    expect(await app.jobs()).toEqual([]);
  });

  it.each([
    ["at once", orderSchema],
    ["after a while", slowOrderSchema],
  ])("gives the handler the schema's output, when it answers %s", async (_when, input) => {
    await using stage = await Stage.open(mode);
    const order = task("order", { input }, async (given) => given);
    const app = await stage.app({ tasks: [order] });

    const job = await app.enqueue(order, { item: "tea" });

    expect(await job.result()).toEqual({ item: "tea", count: 1 });
  });

  it("checks each input of enqueueMany, and stores none when one is wrong", async () => {
    await using stage = await Stage.open(mode);
    const order = task("order", { input: orderSchema }, async (given) => given);
    const app = await stage.app({ tasks: [order] });

    const refused = app.enqueueMany("order", [{ item: "tea" }, {}]);

    await expect(refused).rejects.toMatchObject({ code: "UNJAM_PAYLOAD_INVALID" });
    expect(await app.jobs()).toEqual([]);
  });

  it("makes a stored job that no longer fits a dead letter at once, without calling the handler", async () => {
    await using stage = await Stage.open(mode);
    let calls = 0;
    const order = task("order", { input: orderSchema }, async () => ++calls);
    const app = await stage.app({ tasks: [order] });

    const job = await app.enqueue(task("order", {}), { from: "an older version" });

    await expect(job.result()).rejects.toMatchObject({
      code: "UNJAM_JOB_FAILED",
      cause: { code: "UNJAM_PAYLOAD_INVALID" },
    });
    expect(await job.status()).toMatchObject({ state: "dead", attempt: 1 });
    expect(calls).toBe(0);
  });

  it("rejects with the validator's own error when that is broken, and the app goes on", async () => {
    await using stage = await Stage.open(mode);
    const broken = task("broken", { input: brokenSchema }, async () => 1);
    const app = await stage.app({ tasks: [broken, echo] });

    await expect(app.enqueue(broken, {})).rejects.toThrow(TypeError);
    expect(await (await app.enqueue("echo", "next")).result()).toBe("next");
  });
});
