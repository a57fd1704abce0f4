import { execFile } from "node:child_process";
import { getEventListeners } from "node:events";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { type App, task } from "../../src/index.ts";
import { SEED, SeededChance } from "../runtime/seeded-chance.ts";
import { HeldTask } from "./held-task.ts";
import { outcomeOf } from "./outcome.ts";
import { EVERYWHERE, ON_THREADS, Stage } from "./stage.ts";

/** Rejects when the program ends with another code than 0. */
const runProgram = promisify(execFile);

describe.each(EVERYWHERE)("close on $store, $runtime", (mode) => {
  it("waits for running handlers, and what they return is stored", async () => {
    await using stage = await Stage.open(mode);
    const held = new HeldTask();
    const app = await stage.app({ tasks: [held.task] });
    const job = await app.enqueue(held.task, {});
    const body = await held.next();
    const result = job.result();

    const closed = app.close();
    body.end("finished");
    await closed;

    expect(await result).toBe("finished");
  });

  it("ends by its grace, tells the handlers that still run, and hands their jobs back", async () => {
    await using stage = await Stage.open(mode);
    const held = new HeldTask();
    const app = await stage.app({ tasks: [held.task] });
    const job = await app.enqueue(held.task, {});
    const { context } = await held.next();
    const { signal } = context;

    await app.close({ graceMs: 50 });

    expect(signal.reason).toMatchObject({ details: { reason: "the app is closing" } });
    if (mode.store === "memory") return;
    const again = await stage.app({ work: false });
    expect(await again.job(job.id).status()).toMatchObject({
      state: "ready",
      attempt: 0,
      losses: 0,
    });
  });

  it("twice is once", async () => {
    await using stage = await Stage.open(mode);
    const app = await stage.app();

    await Promise.all([app.close(), app.close({ graceMs: 1 })]);
    await app.close();

    await expect(app.queues()).rejects.toMatchObject({ code: "UNJAM_CLOSED" });
  });

  it("keeps what was enqueued before it, answers those enqueues, and refuses later ones", async () => {
    await using stage = await Stage.open(mode);
    const hello = task("hello", {}, async () => "hi");
    const app = await stage.app({ tasks: [hello] });
    await app.pause("default");

    const before = [app.enqueue(hello, 1), app.enqueue(hello, 2)];
    const closed = app.close();
    const after = outcomeOf(app.enqueue(hello, 3));
    await closed;

    const jobs = await Promise.all(before);
    expect(await after).toBe("UNJAM_CLOSED");
    if (mode.store === "memory") return;
    const again = await stage.app({ work: false });
    expect((await again.jobs()).map(({ id }) => id)).toEqual(jobs.map(({ id }) => id));
  });

  it("rejects every wait that is still open, and leaves none", async () => {
    await using stage = await Stage.open(mode);
    const held = new HeldTask();
    const app = await stage.app({
      tasks: [held.task],
      work: { loop: 1 },
      queues: { default: { capacity: 1, waitersMax: 10 } },
    });
    const running = await app.enqueue(held.task, 1);
    await held.next();
    await app.enqueue(held.task, 2);
    const waits = [
      app.enqueue(held.task, 3, { waitMs: 3_600_000 }),
      running.result({ waitMs: 3_600_000 }),
      app.join({ waitMs: 3_600_000 }),
    ].map(outcomeOf);
    await expect.poll(async () => (await app.waits()).length).toBeGreaterThan(1);

    await app.close({ graceMs: 20 });

    expect(await Promise.all(waits)).toEqual(["UNJAM_CLOSED", "UNJAM_CLOSED", "UNJAM_CLOSED"]);
    expect(await app.waits()).toEqual([]);
  });

  it("rejects an enqueue whose schema answers only after it", async () => {
    await using stage = await Stage.open(mode);
    const answer = Promise.withResolvers<{ value: object }>();
    const input = {
      "~standard": { version: 1 as const, vendor: "by-hand", validate: () => answer.promise },
    };
    const app = await stage.app({ tasks: [task("slow", { input }, async () => 1)] });
    const enqueued = outcomeOf(app.enqueue("slow", {}));

    await app.close();
    answer.resolve({ value: {} });

    expect(await enqueued).toBe("UNJAM_CLOSED");
  });

  it("lets a handler enqueue while it may still run", async () => {
    await using stage = await Stage.open(mode);
    const held = new HeldTask("child", { queue: "later" });
    const gate = Promise.withResolvers<void>();
    const parent = task("parent", {}, async (_, context) => {
      await gate.promise;
      return (await context.enqueue(held.task, {})).id;
    });
    const app = await stage.app({ tasks: [parent, held.task] });
    await app.pause("later");
    const job = await app.enqueue(parent, {});
    await expect.poll(async () => (await job.status()).state).toBe("leased");
    const result = job.result();

    const closed = app.close();
    gate.resolve();
    await closed;

    expect(await result).toMatch(/^j_/);
  });

  it.each([
    ["enqueue", (app: App) => app.enqueue("x", 1)],
    ["enqueueMany", (app: App) => app.enqueueMany("x", [1])],
    ["join", (app: App) => app.join()],
    ["jobs", (app: App) => app.jobs()],
    ["pause", (app: App) => app.pause("x")],
    ["retry", (app: App) => app.retry(["x"])],
    ["workers", (app: App) => app.workers()],
    ["store", (app: App) => app.store()],
    ["job.result", (app: App) => app.job("j_1").result()],
    ["job.status", (app: App) => app.job("j_1").status()],
    ["job.cancel", (app: App) => app.job("j_1").cancel()],
  ])("makes %s reject", async (_name, call) => {
    await using stage = await Stage.open(mode);
    const app = await stage.app();
    await app.close();

    expect(await outcomeOf(call(app))).toBe("UNJAM_CLOSED");
  });
});

describe.each(ON_THREADS)("an app on $store that is closed at a random moment", (mode) => {
  it(`ends each call, ten times over (seed ${SEED})`, async () => {
    const chance = new SeededChance(SEED);
    for (let run = 0; run < 10; run++) {
      await using stage = await Stage.open(mode);
      const quick = task("quick", {}, async (n: number) => n);
      const app = await stage.app({ tasks: [quick] });
      const calls: Promise<unknown>[] = [];
      for (let deeds = chance.upTo(40); deeds > 0; deeds--) {
        const call = app.enqueue(quick, deeds).then((job) => job.result());
        calls.push(outcomeOf(call));
        for (let turns = chance.upTo(3); turns > 0; turns--) await turn();
      }

      await app.close({ graceMs: chance.upTo(200) });

      const outcomes = await Promise.all(calls);
      const strange = outcomes.filter(
        (outcome) => typeof outcome !== "number" && outcome !== "UNJAM_CLOSED",
      );
      expect(strange).toEqual([]);
    }
  });
});

describe("a program that closes its app while a join is open", () => {
  it("hears of it before it ends", async () => {
    const program = fileURLToPath(new URL("./fixtures/join-while-closing.ts", import.meta.url));

    const { stdout } = await runProgram(process.execPath, [program]);

    expect(stdout).toBe("UNJAM_CLOSED\n");
  });
});

describe.each(EVERYWHERE)("a signal that outlives its calls on $store, $runtime", (mode) => {
  it("gathers no listeners", async () => {
    await using stage = await Stage.open(mode);
    const hello = task("hello", {}, async () => "hi");
    const app = await stage.app({ tasks: [hello] });
    const { signal } = new AbortController();

    const jobs = await Promise.all(
      Array.from({ length: 20 }, () => app.enqueue(hello, {}, { signal })),
    );
    await app.enqueueMany(hello, [1, 2], { signal });
    await Promise.all(jobs.map((job) => job.result({ signal })));
    await app.join({ signal });

    expect(getEventListeners(signal, "abort")).toEqual([]);
  });

  it("ends a join that looks again and again, without a warning", async () => {
    await using stage = await Stage.open(mode);
    const held = new HeldTask();
    const app = await stage.app({ tasks: [held.task] });
    await app.enqueue(held.task, {});
    const warnings: Error[] = [];
    const note = (warning: Error): void => void warnings.push(warning);
    process.on("warning", note);
    const controller = new AbortController();

    const joined = await outcomeOf(app.join({ waitMs: 400, signal: controller.signal }));
    process.off("warning", note);

    expect(joined).toBe("UNJAM_JOIN_TIMEOUT");
    expect(warnings).toEqual([]);
    expect(getEventListeners(controller.signal, "abort")).toEqual([]);
  });
});

function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
