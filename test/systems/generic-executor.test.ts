import { describe, expect, it } from "vitest";
import { type App, open } from "../../src/index.ts";
import { execute } from "./generic-executor-tasks.ts";
import { quietLogger } from "./quiet-logger.ts";
import { SystemFolder } from "./system-folder.ts";

async function anExecutor(store: string) {
  const app: App = await open({
    store,
    tasks: new URL("./generic-executor-tasks.ts", import.meta.url),
    work: { threads: 2 },
    logger: quietLogger,
  });
  const call = async (name: string, ...args: unknown[]): Promise<unknown> =>
    (await app.enqueue(execute, { name, args })).result();
  return { app, call, [Symbol.asyncDispose]: () => app.close({ graceMs: 0 }) };
}

describe("a generic executor", () => {
  it("answers what the function returned, off the main thread", async () => {
    await using executor = await anExecutor("memory:");

    const results = await Promise.all([
      executor.call("add", 1, 2, 3),
      executor.call("reverse", "queue"),
      executor.call("primesBelow", 20_000),
    ]);

    expect(results).toEqual([6, "eueuq", 2_262]);
  });

  it("answers a function that throws with its error, and goes on", async () => {
    await using executor = await anExecutor("memory:");

    const failure = executor.call("fail", "out of range");

    await expect(failure).rejects.toMatchObject({
      code: "UNJAM_JOB_FAILED",
      cause: { name: "RangeError", message: "out of range" },
    });
    expect(await executor.call("add", 1, 1)).toBe(2);
  });

  it.each(["constructor", "__proto__", "eval", "() => 1"])(
    "executes nothing that is not in its list: %s",
    async (name) => {
      await using executor = await anExecutor("memory:");

      await expect(executor.call(name)).rejects.toMatchObject({
        cause: { message: `there is no function "${name}"` },
      });
    },
  );

  it("pays one more try for a call that crashes its thread; the others do not notice, and join returns", async () => {
    await using folder = await SystemFolder.make();
    await using executor = await anExecutor(folder.store);

    const crashed = executor.call("crashOnce", folder.file("mark"));
    const others = Array.from({ length: 20 }, (_, n) => executor.call("add", n, n));

    expect(await crashed).toBe("survived");
    expect(await Promise.all(others)).toEqual(Array.from({ length: 20 }, (_, n) => n * 2));
    expect(await executor.app.join({ waitMs: 30_000 })).toMatchObject({ done: 21, failed: 0 });
  });
});
