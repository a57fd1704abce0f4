import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { childFlags, startNodeProcess } from "./node-process.ts";

const ENTRY = new URL("../../test/threads/fixtures/echo-process.ts", import.meta.url);

/** A child that answers "echo x" to x, or ends as it is told. */
function anEcho(execArgv: readonly string[] = []) {
  const child = startNodeProcess<string, string>(ENTRY, { args: [], execArgv, env: process.env });
  const next = (): Promise<string> =>
    new Promise((resolve) => {
      child.events.message = resolve;
    });
  const exit = new Promise<string>((resolve) => {
    child.events.exit = resolve;
  });
  return { child, next, exit, [Symbol.asyncDispose]: () => child.terminate() };
}

describe("a Node process", () => {
  it("takes messages and answers them", async () => {
    await using echo = anEcho();
    const answer = echo.next();

    echo.child.post("hello");

    expect(await answer).toBe("echo hello");
  });

  it("starts with the flags of its parent that are not its parent's own", async () => {
    await using echo = anEcho(["--eval", "process.exit(1)", "--no-warnings"]);
    const answer = echo.next();

    echo.child.post("hello");

    expect(await answer).toBe("echo hello");
  });

  it.each([
    ["exit", "it exited with code 7"],
    ["throw", "it exited with code 1"],
    ["crash", "it was killed by SIGSEGV"],
  ])("that is told to %s is gone, and says how: %s", async (message, reason) => {
    await using echo = anEcho();

    echo.child.post(message);

    expect(await echo.exit).toBe(reason);
  });

  it("is heard to the end before it is gone", async () => {
    await using echo = anEcho();
    const heard: string[] = [];
    echo.child.events.message = (message) => heard.push(message);

    echo.child.post("last words");
    heard.push(await echo.exit);

    expect(heard).toEqual(["echo last words", "it exited with code 7"]);
  });

  it.each(["takes its listeners away", "listens to messages", "has a process.send of its own"])(
    "answers, and says nothing else, while its code %s",
    async (meddling) => {
      await using echo = anEcho();
      const heard: string[] = [];
      const answered = new Promise<void>((resolve) => {
        echo.child.events.message = (message) => {
          if (heard.push(message) === 2) resolve();
        };
      });

      echo.child.post(meddling);
      echo.child.post("hello");
      await answered;

      expect(heard).toEqual([`echo ${meddling}`, "echo hello"]);
    },
  );

  it("has no channel that its code could share with ours", async () => {
    await using echo = anEcho();
    const answer = echo.next();

    echo.child.post("looks for a channel");

    expect(await answer).toBe("echo has undefined undefined undefined");
  });

  it("whose line carries no message is ended, and says so", async () => {
    await using echo = anEcho();

    echo.child.post("writes to the line");

    expect(await echo.exit).toMatch(/^what it says cannot be read: /);
  });

  it("that closes its line and goes on is ended", async () => {
    await using echo = anEcho();

    echo.child.post("closes the line and goes on");

    expect(await echo.exit).toBe("it was killed by SIGKILL");
  });

  it("that has nothing to do ends when it is told to", async () => {
    await using echo = anEcho();
    const answer = echo.next();
    echo.child.post("hello");
    await answer;

    await echo.child.terminate();

    expect(await echo.exit).toBe("it exited with code 0");
  });

  it("is killed in the middle of an endless loop", async () => {
    await using echo = anEcho();
    const spinning = echo.next();
    echo.child.post("spin");
    await spinning;

    await echo.child.terminate();

    expect(await echo.exit).toBe("it was killed by SIGKILL");
  });

  it("takes no more messages once it is gone, and ends twice without harm", async () => {
    await using echo = anEcho();
    echo.child.post("exit");
    await echo.exit;

    echo.child.post("hello");
    await echo.child.terminate();

    await expect(echo.child.terminate()).resolves.toBeUndefined();
  });

  it("that cannot be started is gone at once, and says why", async () => {
    const child = startNodeProcess(ENTRY, { args: ["x".repeat(4e6)], execArgv: [], env: {} });

    const reason = await new Promise<string>((resolve) => {
      child.events.exit = resolve;
    });

    expect(reason).toMatch(/^it could not be started: spawn E2BIG/);
  });

  it("for whose pipes there are no descriptors is gone at once, and says why", async () => {
    const program = new URL("../../test/threads/fixtures/no-descriptors.ts", import.meta.url);
    const argv = ["-c", 'ulimit -n 64; exec "$0" "$1"', process.execPath, fileURLToPath(program)];

    const { stdout } = await promisify(execFile)("sh", argv);

    expect(stdout).toMatch(/^it could not be started: spawn .* EMFILE\n$/);
  });
});

describe("a child's flags", () => {
  it("are its parent's, without what is for one process only", () => {
    const own = ["--inspect=9229", "--watch", "--test", "-p", "1 + 1", "--cpu-prof"];
    const shared = ["--max-old-space-size=64", "--import", "./loader.js"];

    expect(childFlags([...own, ...shared])).toEqual(shared);
  });
});
