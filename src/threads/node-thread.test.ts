import { describe, expect, it } from "vitest";
import { startNodeThread } from "./node-thread.ts";

const ENTRY = new URL("../../test/threads/fixtures/echo-thread.ts", import.meta.url);

/** A thread that answers "echo x" to x, or ends as it is told. */
function anEcho(options: Parameters<typeof startNodeThread>[1] = {}) {
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

  it("is heard to the end before it is gone", async () => {
    await using echo = anEcho();
    const heard: string[] = [];
    echo.thread.events.message = (message) => heard.push(message);

    echo.thread.post("last words");
    heard.push(await echo.exit);

    expect(heard).toEqual(["echo last words", "it exited with code 7"]);
  });

  it.each([
    "posts to it",
    "closes it",
    "lets go of it",
    "takes its listeners away",
    "listens to it",
  ])("answers, and says nothing else, while its code has parentPort and %s", async (meddling) => {
    await using echo = anEcho();
    const heard: string[] = [];
    const answered = new Promise<void>((resolve) => {
      echo.thread.events.message = (message) => {
        if (heard.push(message) === 2) resolve();
      };
    });

    echo.thread.post(meddling);
    echo.thread.post("hello");
    await answered;

    expect(heard).toEqual([`echo ${meddling}`, "echo hello"]);
  });

  it("says once that its code posts to a parent that does not listen", async () => {
    await using echo = anEcho();
    let strayCount = 0;
    echo.thread.events.stray = () => strayCount++;

    echo.thread.post("posts to it");
    echo.thread.post("last words");
    await echo.exit;

    expect(strayCount).toBe(1);
  });

  it.each(["goes deep", "goes deep and ends"])(
    "that says what cannot be read is gone, and nothing else happens: it %s",
    async (message) => {
      await using echo = anEcho({ resourceLimits: { stackSizeMb: 64 } });

      echo.thread.post(message);

      expect(await echo.exit).toMatch(/^what it says cannot be read: |^it exited with code 7$/);
    },
  );

  it("leaves its line to nobody else", async () => {
    await using echo = anEcho({ workerData: { module: "mine" } });
    const answer = echo.next();

    echo.thread.post("looks for a line");

    expect(await answer).toBe("echo found module");
  });
});
