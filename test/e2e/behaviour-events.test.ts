import { describe, expect, it } from "vitest";
import { type AppEvents, task } from "../../src/index.ts";
import { CORNERS, ON_THREADS, Stage } from "./stage.ts";

/** Holds the loop, as a handler must not. */
function block(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

describe.each(CORNERS)("events on $store, $runtime", (mode) => {
  const late = task("late", { timeoutMs: 10, attempts: 1 }, (_, { signal }) => {
    return new Promise((_resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason));
    });
  });

  it("reach every listener, until it is taken away", async () => {
    await using stage = await Stage.open(mode);
    const app = await stage.app({ tasks: [late] });
    const heard: string[] = [];
    const stop = app.on("timeout", () => heard.push("first"));
    app.on("timeout", () => heard.push("second"));
    await (await app.enqueue(late, {})).result().catch(() => undefined);
    await expect.poll(() => heard).toEqual(["first", "second"]);

    stop();
    await (await app.enqueue(late, {})).result().catch(() => undefined);

    await expect.poll(() => heard).toEqual(["first", "second", "second"]);
  });

  it("go on to the next listener when one throws, and so does the work", async () => {
    await using stage = await Stage.open(mode);
    const quick = task("quick", {}, async () => "still here");
    const app = await stage.app({ tasks: [late, quick] });
    const heard: string[] = [];
    app.on("timeout", () => {
      throw new Error("a bad listener");
    });
    app.on("timeout", () => heard.push("the next"));

    await (await app.enqueue(late, {})).result().catch(() => undefined);

    await expect.poll(() => heard).toEqual(["the next"]);
    expect(await (await app.enqueue(quick, {})).result()).toBe("still here");
    expect(stage.logged).toContainEqual({
      level: "error",
      message: "a listener of app.on() threw",
      fields: { event: "timeout", error: "Error: a bad listener" },
    });
  });

  it("that are not in the list are refused", async () => {
    await using stage = await Stage.open(mode);
    const app = await stage.app();

    expect(() => app.on("done" as never, () => undefined)).toThrow(
      expect.objectContaining({ code: "UNJAM_INVALID_OPTION" }),
    );
  });

  it("name a handler that holds the loop for more than 50 ms, and the log does so once", async () => {
    await using stage = await Stage.open(mode);
    const rude = task("rude", {}, async () => block(70));
    const app = await stage.app({ tasks: [rude] });
    const blocks: AppEvents["blocked"][] = [];
    app.on("blocked", (event) => blocks.push(event));

    const jobs = [await app.enqueue(rude, 1), await app.enqueue(rude, 2)];
    await app.join();

    await expect.poll(() => blocks.map(({ jobId }) => jobId)).toEqual(jobs.map(({ id }) => id));
    expect(blocks.every(({ task: name, blockedMs }) => name === "rude" && blockedMs >= 70)).toBe(
      true,
    );
    const lines = stage.logged.filter(({ message }) => message.includes("blocked the main loop"));
    expect(lines).toHaveLength(1);
    expect(lines[0]?.level).toBe("warn");
    expect(lines[0]?.message).toContain('task "rude"');
  });
});

describe.each(ON_THREADS)("a handler that blocks after an await, $store", (mode) => {
  it("is named with its time and where it stands", async () => {
    await using stage = await Stage.open(mode);
    const rude = task("rude", {}, async function theRudeHandler() {
      await Promise.resolve();
      block(400);
    });
    const app = await stage.app({ tasks: [rude] });
    const blocks: AppEvents["blocked"][] = [];
    app.on("blocked", (event) => blocks.push(event));

    const job = await app.enqueue(rude, {});
    await job.result();

    await expect.poll(() => blocks).toMatchObject([{ task: "rude", jobId: job.id }]);
    expect(blocks[0]?.stack).toContain("theRudeHandler");
  });
});

describe.each(CORNERS)("a logger that throws on $store, $runtime", (mode) => {
  it("stops nothing", async () => {
    await using stage = await Stage.open(mode);
    const write = (): void => {
      throw new Error("the log is full");
    };
    const speak = task("speak", { timeoutMs: 10, attempts: 1 }, (_, context) => {
      context.log("info", "hello");
      return new Promise((_resolve, reject) => {
        context.signal.addEventListener("abort", () => reject(context.signal.reason));
      });
    });
    const quick = task("quick", {}, async () => "still here");
    const logger = { info: write, warn: write, error: write };
    const app = await stage.app({ tasks: [speak, quick], logger });
    const heard: unknown[] = [];
    app.on("timeout", (event) => heard.push(event));

    await (await app.enqueue(speak, {})).result().catch(() => undefined);

    await expect.poll(() => heard).toHaveLength(1);
    expect(await (await app.enqueue(quick, {})).result()).toBe("still here");
  });
});
