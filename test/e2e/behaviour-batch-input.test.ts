import { describe, expect, it } from "vitest";
import { task } from "../../src/index.ts";
import { outcomeOf } from "./outcome.ts";
import { CORNERS, Stage } from "./stage.ts";

const BYTES_MAX = 262_144;
const echo = task("echo", {}, async (input: unknown) => input);

function cycle(): object {
  const self: { self?: unknown } = {};
  self.self = self;
  return self;
}

function deep(levels: number): unknown {
  let value: unknown = [];
  for (let level = 1; level < levels; level++) value = [value];
  return value;
}

const BAD: readonly (readonly [what: string, input: unknown, code: string])[] = [
  ["a BigInt", 1n, "UNJAM_PAYLOAD_NOT_SERIALIZABLE"],
  ["undefined", undefined, "UNJAM_PAYLOAD_NOT_SERIALIZABLE"],
  ["a function", () => 1, "UNJAM_PAYLOAD_NOT_SERIALIZABLE"],
  ["a symbol", Symbol("s"), "UNJAM_PAYLOAD_NOT_SERIALIZABLE"],
  ["a circle", cycle(), "UNJAM_PAYLOAD_NOT_SERIALIZABLE"],
  ["too large", "x".repeat(BYTES_MAX - 1), "UNJAM_PAYLOAD_TOO_LARGE"],
  ["too deep", deep(101), "UNJAM_PAYLOAD_TOO_DEEP"],
];

describe.each(CORNERS)("enqueueMany on $store, $runtime", (mode) => {
  it.each(BAD)("stores none of its jobs when one input is bad: %s", async (_what, bad, code) => {
    await using stage = await Stage.open(mode);
    const app = await stage.app({ tasks: [echo] });

    const outcome = await outcomeOf(app.enqueueMany("echo", [1, bad, 2]));

    expect(outcome).toBe(code);
    expect(await app.jobs()).toEqual([]);
    expect(await (await app.enqueue("echo", "next")).result()).toBe("next");
  });

  it("stores none of its jobs when an input throws, and says what it threw", async () => {
    await using stage = await Stage.open(mode);
    const app = await stage.app({ tasks: [echo] });
    const trap = {
      toJSON(): never {
        throw new Error("boom");
      },
    };

    await expect(app.enqueueMany("echo", [1, trap])).rejects.toMatchObject({
      ...{ code: "UNJAM_PAYLOAD_NOT_SERIALIZABLE", details: { reason: "boom" } },
    });
    expect(await app.jobs()).toEqual([]);
  });

  it("takes inputs of the largest size", async () => {
    await using stage = await Stage.open(mode);
    const length = task("length", {}, async (input: string) => input.length);
    const app = await stage.app({ tasks: [length] });

    const jobs = await app.enqueueMany(
      length,
      Array(3).fill("x".repeat(BYTES_MAX - 2)) as string[],
    );

    const results = await Promise.all(jobs.map((job) => job.result()));
    expect(results).toEqual(Array(3).fill(BYTES_MAX - 2));
  });

  it.each([
    ["an unknown option", { delay: 1 }, "UNJAM_UNKNOWN_OPTION"],
    ["a wrong unit", { delayMs: "5s" }, "UNJAM_INVALID_OPTION"],
    ["a policy that is none", { whenFull: "panic" }, "UNJAM_INVALID_OPTION"],
    ["an id for all", { id: "one" }, "UNJAM_NOT_SUPPORTED"],
  ])("refuses bad options: %s", async (_what, options, code) => {
    await using stage = await Stage.open(mode);
    const app = await stage.app({ tasks: [echo] });

    expect(await outcomeOf(app.enqueueMany("echo", [1], options as never))).toBe(code);
    expect(await outcomeOf(app.enqueueMany("who", [1]))).toBe("UNJAM_TASK_UNKNOWN");
    expect(await app.jobs()).toEqual([]);
  });
});

describe.each(CORNERS)("names on $store, $runtime", (mode) => {
  it.each(["", "two words", "ä", "a;b", "x".repeat(129)])(
    "that no queue can have are refused: %j",
    async (name) => {
      await using stage = await Stage.open(mode);
      const opening = stage.app({ queues: { [name]: { capacity: 1 } } });

      expect(await outcomeOf(opening)).toBe("UNJAM_QUEUE_NAME_INVALID");
      expect(() => task("t", { queue: name }, () => 1)).toThrow(
        expect.objectContaining({ code: "UNJAM_QUEUE_NAME_INVALID" }),
      );
    },
  );

  it.each(["__proto__", "constructor", "toString"])(
    "that objects have of their own are names like any other: %s",
    async (name) => {
      await using stage = await Stage.open(mode);
      const odd = task(name, { queue: name }, async (input: unknown) => input);
      const queues = Object.fromEntries([[name, { capacity: 1 }]]);
      const app = await stage.app({ tasks: [odd], queues });
      await app.pause(name);

      const job = await app.enqueue(odd, { [name]: 1 }, { id: name });
      const again = await app.enqueue(odd, { [name]: 1 }, { id: name });
      const full = await outcomeOf(app.enqueue(odd, 2, { whenFull: "reject" }));
      await app.resume(name);

      expect(again.id).toBe(job.id);
      expect(full).toBe("UNJAM_QUEUE_FULL");
      expect(await app.job(name).result()).toEqual({ [name]: 1 });
      expect((await app.queues()).map((queue) => queue.name)).toEqual([name]);
    },
  );
});
