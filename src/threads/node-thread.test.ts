import { describe, expect, it } from "vitest";
import type { WorkerOptions } from "node:worker_threads";
import { startNodeThread } from "./node-thread.ts";

const ENTRY = new URL("../../test/threads/fixtures/echo-thread.ts", import.meta.url);

/** A thread that answers "echo x" to x, or ends as it is told. */
function anEcho(options: WorkerOptions = {}) {
  const thread = startNodeThread<string, string>(ENTRY, options);
  const next = (): Promise<string> =>
    new Promise((resolve) => {
      thread.events.message = resolve;
    });
  const exit = new Promise<string>((resolve) => {
    thread.events.exit = resolve;
  });
  return { thread, next, exit, [Symbol.asyncDispose]: () => thread.terminate() };
}

describe("a Node thread", () => {
  it("takes messages and answers them", async () => {
    await using echo = anEcho();
    const answer = echo.next();

    echo.thread.post("hello");

    expect(await answer).toBe("echo hello");
  });

  it("that throws is gone for the reason that it threw", async () => {
    await using echo = anEcho();

    echo.thread.post("throw");

    expect(await echo.exit).toBe("TypeError: no such thing");
  });

  it("that calls process.exit is gone with its code as the reason", async () => {
    await using echo = anEcho();

    echo.thread.post("exit");

    expect(await echo.exit).toBe("it exited with code 7");
  });

  it("is terminated in the middle of an endless loop", async () => {
    await using echo = anEcho();
    const spinning = echo.next();
    echo.thread.post("spin");
    await spinning;

    await echo.thread.terminate();

    expect(await echo.exit).toBe("it exited with code 1");
  });

  it("starts without the process's flags when a Worker does not accept them", async () => {
    await using echo = anEcho({ execArgv: ["--title=mine"] });
    const answer = echo.next();

    echo.thread.post("hello");

    expect(await answer).toBe("echo hello");
  });
});
