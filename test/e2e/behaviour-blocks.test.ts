import { execFileSync } from "node:child_process";
import { pbkdf2Sync } from "node:crypto";
import { describe, expect, it } from "vitest";
import { type App, type AppEvents, type Task, task } from "../../src/index.ts";
import { HeldTask } from "./held-task.ts";
import { Stage } from "./stage.ts";

type Block = AppEvents["blocked"];

/** More often than this a starved machine does not keep the watch from looking in time. */
const ROUNDS_MAX = 40;

function spin(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

/** What the quickest of some calls takes of a core: the first may be many times as slow as the others. */
function cpuMsOf(work: () => unknown): number {
  const calls = Array.from({ length: 5 }, () => {
    const before = process.threadCpuUsage();
    work();
    const { user, system } = process.threadCpuUsage(before);
    return (user + system) / 1_000;
  });
  return Math.min(...calls);
}

/** The first of ever larger pieces of work that takes a core for 65 ms, however busy the machine is. */
function longEnough(workOf: (size: number) => () => unknown): () => unknown {
  for (let size = 1; ; size *= 1.5) {
    const work = workOf(Math.ceil(size));
    if (cpuMsOf(work) > 65) return work;
  }
}

const hash = longEnough((size) => () => void pbkdf2Sync("a", "b", size * 10_000, 64, "sha512"));
const parse = longEnough((size) => {
  const text = JSON.stringify(Array.from({ length: size * 10_000 }, (_, n) => ({ n })));
  return () => JSON.parse(text) as unknown;
});

const ways: readonly (readonly [string, () => unknown])[] = [
  ["a busy loop", () => spin(60)],
  ["native code that answers nothing", hash],
  ["a wait for a child process", () => void execFileSync("sleep", ["0.06"])],
  ["native code as the last thing it does", parse],
];

function isKnown({ candidates }: Block): boolean {
  return candidates.length === 0;
}

/** Runs it again and again until it is known who blocked, and answers all that was told. */
async function untilNamed(app: App, rude: Task<unknown>): Promise<readonly Block[]> {
  const blocks: Block[] = [];
  app.on("blocked", (event) => blocks.push(event));
  for (let round = 0; round < ROUNDS_MAX && !blocks.some(isKnown); round++) {
    await (await app.enqueue(rude, round)).result();
    // What the watch saw is told in a later turn than the job's end.
    await app.queues();
    await app.queues();
  }
  return blocks;
}

/** A handler that blocks some 60 ms after its first await, and returns its result or a word. */
function rudeTask(block: () => unknown): Task<unknown> {
  return task("rude", {}, async () => {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    return block() === undefined ? "done" : { parsed: true };
  });
}

describe.each(ways)("a handler that blocks for 60 ms after an await, by %s", (_way, block) => {
  it("is named, with the time", async () => {
    await using stage = await Stage.open({ store: "memory", runtime: "threads" });
    const rude = rudeTask(block);
    const app = await stage.app({ tasks: [rude] });

    const told = (await untilNamed(app, rude)).find(isKnown);

    expect(told).toMatchObject({ task: "rude", jobId: expect.stringMatching(/^j_/) as string });
    expect(told?.blockedMs).toBeGreaterThan(50);
  });

  it("is named among others that wait meanwhile, and none of those is", async () => {
    await using stage = await Stage.open({ store: "memory", runtime: "threads" });
    const rude = rudeTask(block);
    const innocent = new HeldTask("innocent");
    const app = await stage.app({ tasks: [rude, innocent.task] });
    await app.enqueueMany(innocent.task, [1, 2, 3]);
    await innocent.next();

    const told = await untilNamed(app, rude);

    expect(told.find(isKnown)).toMatchObject({ task: "rude" });
    const accused = told.filter(({ task: name }) => name !== null && name !== "rude");
    const without = told.filter(
      ({ task: name, candidates }) =>
        name === null && !candidates.some((candidate) => candidate.task === "rude"),
    );
    expect([accused, without]).toEqual([[], []]);
  });
});

describe("other code of the process that blocks the loop", () => {
  it("is blamed on no handler", async () => {
    await using stage = await Stage.open({ store: "memory", runtime: "threads" });
    const innocent = new HeldTask("innocent");
    const app = await stage.app({ tasks: [innocent.task] });
    const blocks: Block[] = [];
    app.on("blocked", (event) => blocks.push(event));
    await app.enqueue(innocent.task, 1);
    await innocent.next();

    for (let round = 0; round < 5; round++) {
      await app.queues();
      spin(120);
    }
    await app.queues();
    await app.queues();

    expect(blocks.filter(isKnown)).toEqual([]);
  });
});
