import { describe, expect, it } from "vitest";
import { aPool, rejection, until } from "./a-pool.ts";

const isLinux = process.platform === "linux";

describe("a call that is stuck", () => {
  it.each([
    ["an endless loop", "hangOn", true, "at hangOn"],
    ["a regular expression", "catastrophicRegExp", undefined, "at RegExp.test"],
    ["Atomics.wait", "waitForNobody", undefined, "at Atomics.wait"],
  ] as const)(
    "in %s ends at its deadline with its stack, and the next one runs",
    async (...row) => {
      const [, name, input, frame] = row;
      await using pool = aPool();
      await pool.call.count();
      const call = pool.call[name] as (input: unknown, options: object) => Promise<unknown>;

      const error = await rejection<Error & { details: { stuck: { stack: string } } }>(
        call(input, { timeoutMs: 200 }),
      );

      expect(error).toMatchObject({
        code: "UNJAM_CALL_TIMEOUT",
        details: { pool: "work", call: name },
      });
      expect(error.details.stuck.stack).toContain(frame);
      expect(error.details.stuck.stack).toContain("fixtures/work.ts");
      expect(error.message).toContain(frame);
      expect((error.cause as Error).stack).toContain(frame);
      expect(await pool.call.count()).toBe(1);
    },
  );

  it("in native code says in which call, and with which child process", async () => {
    await using pool = aPool();
    await pool.warmUp();

    const seconds = isLinux ? 60 : 1;
    const error = await rejection(pool.call.waitForChild(seconds, { timeoutMs: 200 }));
    const next = await pool.call.echo("next");

    const stuck = error.details["stuck"] as Record<string, unknown>;
    // Its thread ends when the child does, and not before.
    const pid = /\(process (\d+)\)/.exec(String(stuck["child"]))?.[1];
    if (pid !== undefined) process.kill(Number(pid));
    expect(stuck).toMatchObject({ native: true, file: null });
    expect(stuck["syscall"]).toBe(isLinux ? "epoll_pwait" : null);
    expect(String(stuck["child"])).toContain(isLinux ? "sleep 60" : "null");
    expect(next).toBe("next");
  });

  it("in an await says so, and its thread is replaced when it does not stop", async () => {
    await using pool = aPool();
    await pool.call.count();

    const error = await rejection(pool.call.neverSettles(undefined, { timeoutMs: 100 }));

    expect(error.details["stuck"]).toEqual({ native: false, isAwaiting: true, stack: null });
    expect(await pool.call.count()).toBe(1);
  });

  it("and stops when it is told to keeps its thread", async () => {
    await using pool = aPool();
    await pool.call.count();
    const memory = new SharedArrayBuffer(8);

    const error = await rejection<Error>(pool.call.stopsWhenTold(memory, { timeoutMs: 500 }));

    expect(error).toMatchObject({
      code: "UNJAM_CALL_TIMEOUT",
      details: { stuck: { isAwaiting: true } },
    });
    expect(error.cause).toMatchObject({
      code: "UNJAM_CALL_STOPPED",
      details: { reason: "timeout" },
    });
    expect(new Int32Array(memory)[0]).toBe(1);
    expect(await pool.call.count()).toBe(2);
    expect(pool.stats().replaced).toBe(0);
  });

  it("is ended while the caller's own loop is blocked", async () => {
    await using pool = aPool();
    await pool.call.count();
    const memory = new SharedArrayBuffer(4);
    const cells = new Int32Array(memory);
    const call = rejection(pool.call.countForEver(memory, { timeoutMs: 200 }));
    await until(() => Atomics.load(cells, 0) > 0);

    // Nothing of main's runs meanwhile: a thread that is gone counts no more.
    const giveUpAt = performance.now() + 15_000;
    let last = -1;
    let isStill = false;
    while (!isStill && performance.now() < giveUpAt) {
      const lookAgainAt = performance.now() + 100;
      last = Atomics.load(cells, 0);
      while (performance.now() < lookAgainAt);
      isStill = Atomics.load(cells, 0) === last;
    }

    expect(isStill).toBe(true);
    expect((await call).code).toBe("UNJAM_CALL_TIMEOUT");
  });

  it("holds nothing back that was given to its thread behind it", async () => {
    await using pool = aPool({ threads: 2 });
    await pool.warmUp();
    // As fast as it is known to be, many are given to a thread ahead.
    await Promise.all(Array.from({ length: 3_000 }, () => pool.call.hangOn(false)));

    const stuck = rejection(pool.call.hangOn(true, { timeoutMs: 5_000 }));
    const others = Promise.all(Array.from({ length: 500 }, () => pool.call.hangOn(false)));
    const first = await Promise.race([stuck, others]);

    expect(first).toHaveLength(500);
    expect((await stuck).code).toBe("UNJAM_CALL_TIMEOUT");
  });

  it("costs nothing that waited behind it, when there is one thread only", async () => {
    await using pool = aPool();
    await Promise.all(Array.from({ length: 500 }, () => pool.call.hangOn(false)));

    const stuck = rejection(pool.call.hangOn(true, { timeoutMs: 200 }));
    const others = await Promise.all(Array.from({ length: 100 }, () => pool.call.hangOn(false)));

    expect(new Set(others)).toEqual(new Set(["done"]));
    expect((await stuck).code).toBe("UNJAM_CALL_TIMEOUT");
  });

  it("costs nothing that waited behind it with long inputs, which can be sent once more", async () => {
    await using pool = aPool();
    const inputs = ["x".repeat(100_000), new Uint8Array(100_000).fill(7)];
    // What is not known to be short is not given to a thread ahead.
    for (const input of [...inputs, ...inputs]) await pool.call.echo(input);
    await pool.call.hangOn(false);

    const stuck = rejection(pool.call.hangOn(true, { timeoutMs: 300 }));
    const others = await Promise.all(inputs.map((input) => pool.call.echo(input)));

    expect(others).toEqual(inputs);
    expect((await stuck).code).toBe("UNJAM_CALL_TIMEOUT");
    expect(pool.stats()).toMatchObject({ timedOut: 1, lost: 0 });
  });

  it("and others that wait too long behind it never began, and say so", async () => {
    await using pool = aPool();
    await pool.warmUp();
    const stuck = rejection(pool.call.hangOn(true, { timeoutMs: 1_000 }));

    const waited = await rejection(pool.call.count(undefined, { timeoutMs: 50 }));

    expect(waited).toMatchObject({
      code: "UNJAM_CALL_TIMEOUT",
      details: { ranMs: null, stuck: null },
    });
    await stuck;
  });
});

describe("a call that is aborted", () => {
  it("rejects with the signal's reason, and never begins when it waited", async () => {
    await using pool = aPool();
    await pool.warmUp();
    const reason = new Error("not needed any more");
    const busy = rejection(pool.call.hangOn(true, { timeoutMs: 300 }));
    const controller = new AbortController();
    const call = rejection(pool.call.count(undefined, { signal: controller.signal }));

    controller.abort(reason);

    expect(await call).toBe(reason);
    await busy;
    expect(await pool.call.count()).toBe(1);
  });

  it("is told to its function when it runs", async () => {
    await using pool = aPool();
    const memory = new SharedArrayBuffer(8);
    const cells = new Int32Array(memory);
    const controller = new AbortController();
    const call = rejection(pool.call.stopsWhenTold(memory, { signal: controller.signal }));
    await until(() => Atomics.load(cells, 1) === 1);

    controller.abort();

    expect(await call).toBe(controller.signal.reason);
    await until(() => Atomics.load(cells, 0) === 1);
  });

  it("frees its place when the function does not listen", async () => {
    await using pool = aPool();
    const memory = new SharedArrayBuffer(4);
    const controller = new AbortController();
    const call = rejection(pool.call.countForEver(memory, { signal: controller.signal }));
    await until(() => Atomics.load(new Int32Array(memory), 0) > 0);

    controller.abort();

    expect(await call).toBe(controller.signal.reason);
    expect(await pool.call.echo("next")).toBe("next");
  });

  it("before it is made is not made", async () => {
    await using pool = aPool();

    const call = await rejection(pool.call.count(undefined, { signal: AbortSignal.abort("no") }));

    expect(call).toBe("no");
    expect(pool.stats().aborted).toBe(0);
  });
});

describe("a thread that dies", () => {
  it("by process.exit costs the call that ran, and no other", async () => {
    await using pool = aPool();
    const before = pool.call.count();

    const lost = rejection(pool.call.exit(3));
    const after = pool.call.count();

    expect(await before).toBe(1);
    expect(await lost).toMatchObject({
      code: "UNJAM_CALL_LOST",
      details: { call: "exit", reason: "it exited with code 3" },
    });
    expect(await after).toBe(1);
  });

  it("of hunger costs the call that ran", async () => {
    await using pool = aPool({ resourceLimits: { maxOldGenerationSizeMb: 32 } });

    const lost = await rejection(pool.call.eatMemory());

    expect(lost).toMatchObject({ code: "UNJAM_CALL_LOST" });
    expect(lost.details["reason"]).toContain("memory limit");
    expect(await pool.call.echo(1)).toBe(1);
  });

  it("again and again under its calls does not break the pool", async () => {
    await using pool = aPool();
    const lost: string[] = [];

    for (let times = 0; times < 12; times++) lost.push((await rejection(pool.call.exit(1))).code);

    expect(new Set(lost)).toEqual(new Set(["UNJAM_CALL_LOST"]));
    expect(await pool.call.count()).toBe(1);
  });

  it("is replaced when what a call left behind blocks its loop", async () => {
    await using pool = aPool();
    await pool.call.count();
    const memory = new SharedArrayBuffer(4);
    await pool.call.leavesLoopBehind(memory);
    await until(() => Atomics.load(new Int32Array(memory), 0) === 1);

    expect(await pool.call.count()).toBe(1);
  });
});
