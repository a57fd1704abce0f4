import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { isAlive } from "../e2e/process-life.ts";
import { until } from "./condition.ts";
import { type RemoteApp, Workshop } from "./remote-app.ts";
import { StoreFile } from "./store-file.ts";

const SETTINGS = { tasks: "./process-tasks.ts", work: { loop: 5, processes: 2 } };

function childrenOf(shop: Workshop, count: number): Promise<number[]> {
  return until(`${count} jobs run`, () => {
    const pids = shop.runners().map(([, pid]) => pid);
    return pids.length >= count ? pids : undefined;
  });
}

function allGone(pids: readonly number[]): Promise<true> {
  return until("no child is left", () => (pids.some(isAlive) ? undefined : true), 5_000);
}

describe("no child process outlives its parent", () => {
  const ends: readonly (readonly [string, (app: RemoteApp) => Promise<unknown>])[] = [
    ["that is killed by kill -9", (app) => app.program.kill()],
    [
      "that ends without a word",
      (app) => {
        app.program.say("exit");
        return app.program.ended;
      },
    ],
    ["whose supervisor dies", (app) => app.ask("endThread", { id: "unjam supervisor" })],
  ];

  it.each(ends)("%s, be the child blocked or idle", async (_how, end) => {
    using shop = new Workshop();
    await using app = await shop.open(SETTINGS);
    await app.enqueue("brief", { n: 1 });
    await app.enqueue("spin", { n: 2 });
    await app.enqueue("spin", { n: 3 });
    const pids = await childrenOf(shop, 3);
    const aliveBefore = pids.filter(isAlive);

    await end(app);

    await allGone(pids);
    expect(aliveBefore.length).toBeGreaterThanOrEqual(2);
  });

  it("that is killed while the child is still starting", async () => {
    using shop = new Workshop();
    const pids: number[] = [];
    for (let round = 0; round < 5; round++) {
      await using app = await shop.open(SETTINGS);
      await app.enqueue("spin", { n: 10 + round });
      pids.push(...(await until("a child was started", () => startedBy(app.program.pid))));
      await app.program.kill();
    }

    await allGone(pids);
    expect(pids.length).toBeGreaterThanOrEqual(5);
  });
});

/** The child processes of a process, as the kernel lists them for each of its threads. */
function startedBy(pid: number): number[] | undefined {
  const found = readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8").split(" ").filter(Boolean),
  );
  return found.length === 0 ? undefined : found.map(Number);
}

describe("a child process", () => {
  it("writes to its parent's stdout and stderr", async () => {
    using shop = new Workshop();
    await using app = await shop.open(SETTINGS);

    await app.enqueue("brief", { n: 1 });

    expect(await app.program.line("stdout of")).toBe("1");
    expect(await app.program.line("stderr of")).toBe("1");
  });

  it("that runs out of memory costs that attempt only", async () => {
    using shop = new Workshop();
    const variables = { NODE_OPTIONS: "--max-old-space-size=64" };
    await using app = await shop.open({ ...SETTINGS, variables });
    await app.enqueue("quick", { n: 1 });

    await app.enqueue("hog", { n: 2 });
    await app.enqueue("quick", { n: 3 });
    await app.ask("join", { options: { waitMs: 60_000 } });
    await app.close();

    using file = StoreFile.open(shop.file);
    const lives = file.jobs().map(({ n, state, attempt, losses }) => [n, state, attempt, losses]);
    expect(lives).toEqual([
      [1, "done", 1, 0],
      [2, "done", 1, 2],
      [3, "done", 1, 0],
    ]);
  }, 120_000);
});
