import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { isUnjamError } from "../../src/index.ts";
import * as on from "./fixtures/thread-tasks.ts";
import { ON_THREADS, type Mode, Stage } from "./stage.ts";

const isLinux = process.platform === "linux";
const tasks = new URL("./fixtures/thread-tasks.ts", import.meta.url);
const source = readFileSync(tasks, "utf8").split("\n");

describe.each<Mode>(ON_THREADS)("a handler that is late on a thread, $store", (mode) => {
  it("in a loop is told with the line of the loop, in its details, its message and its cause", async () => {
    await using stage = await Stage.open(mode);
    const app = await stage.app({ tasks, work: { threads: 1 } });

    const error = await lateness(await app.enqueue(on.late, {}));

    const { stuck } = error.details;
    expect(stuck).toMatchObject({ native: false, isAwaiting: false });
    const stack = String(stuck?.native === false ? stuck.stack : null);
    const line = Number(/^ +at .*thread-tasks\.ts:(\d+):\d+\)?$/.exec(stack)?.[1]);
    expect(source[line - 1]).toBe("  for (;;);");
    expect(error.message).toContain(stack.trim());
    expect(error.cause).toMatchObject({
      message: 'task "late" was here at its deadline',
      stack: expect.stringContaining(stack) as unknown,
    });
  });

  it("in a function after an await is told with the way there, and with no line of ours", async () => {
    await using stage = await Stage.open(mode);
    const app = await stage.app({ tasks, work: { threads: 1 } });

    const error = await lateness(await app.enqueue(on.lateInside, {}));

    const { stuck } = error.details;
    const frames = String(stuck?.native === false ? stuck.stack : null).split("\n");
    expect(frames[0]).toMatch(/^ +at spin \(.*thread-tasks\.ts:\d+:\d+\)$/);
    expect(frames.filter((frame) => !frame.includes("thread-tasks.ts"))).toEqual([]);
  });

  it("in an await is told so", async () => {
    await using stage = await Stage.open(mode);
    const app = await stage.app({ tasks, work: { threads: 1 } });

    const error = await lateness(await app.enqueue(on.stubborn, {}));

    expect(error.details.stuck).toEqual({ native: false, isAwaiting: true, stack: null });
  });

  it("in native code is told with the system call and the child, and the next has begun", async () => {
    await using stage = await Stage.open(mode);
    const app = await stage.app({ tasks, work: { threads: 1 } });
    const late = await app.enqueue(on.inChild, isLinux ? 60 : 3);
    const next = await app.enqueue(on.quick, 7);

    const error = await lateness(late);
    const seen = await next.result();

    const { stuck } = error.details;
    const child = stuck?.native === true ? stuck.child : null;
    // Its thread ends when the child does, and not before.
    const pid = /\(process (\d+)\)/.exec(String(child))?.[1];
    if (pid !== undefined) process.kill(Number(pid));
    expect(stuck).toMatchObject({ native: true, syscall: isLinux ? "epoll_pwait" : null });
    expect(String(child)).toContain(isLinux ? "sleep 60" : "null");
    expect(seen).toMatchObject({ value: 7 });
  });
});

/** Why the attempt of a job that failed was ended. */
async function lateness(job: { result(): Promise<unknown> }) {
  const failure: unknown = await job.result().catch((error: unknown) => error);
  const cause = failure instanceof Error ? failure.cause : undefined;
  if (isUnjamError(cause, "UNJAM_ATTEMPT_TIMEOUT")) return cause;
  throw new Error("its attempt was not ended for being late", { cause: failure });
}
