import { describe, expect, it } from "vitest";
import { until } from "./condition.ts";
import { Workshop } from "./remote-app.ts";
import { StoreFile } from "./store-file.ts";

/** More than the threads that may die by themselves in a minute (RESTARTS_MAX). */
const HANGS_MANY = 14;

describe("a job that hangs on a thread", () => {
  it("takes no other job's attempt with it", async () => {
    using shop = new Workshop();
    await using app = await shop.open({ work: { loop: 5, threads: 2 } });
    const hanging = [1, 2].map((n) => app.enqueue("hang", { n }));
    const input = Array.from({ length: 60 }, (_, index) => ({ n: 10 + index, ms: 10 }));

    await Promise.all(hanging);
    await app.ask("enqueueMany", { task: "crunch", input });
    await app.ask("join", { options: { waitMs: 30_000 } });
    await app.close();

    using file = StoreFile.open(shop.file);
    const outcomes = file.jobs("losses > 0 OR attempt <> 1 OR token <> 1");
    expect(outcomes).toEqual([]);
    expect(file.jobs("state <> 3").map(({ n, state }) => `${n} ${state}`)).toEqual([
      "1 dead",
      "2 dead",
    ]);
    expect(shop.repeated()).toEqual([]);
    expect(file.faults()).toEqual([]);
  });

  it(`is no reason to give up the threads, not even when ${HANGS_MANY} do so in a row`, async () => {
    using shop = new Workshop();
    await using app = await shop.open({ work: { loop: 5, threads: 4 } });

    for (let n = 1; n <= HANGS_MANY; n++) await app.enqueue("hang", { n });
    for (let n = 101; n <= 120; n++) await app.enqueue("crunch", { n });
    await app.ask("join", { options: { waitMs: 40_000 } });
    const broken = await app.events("broken");
    await app.close();

    using file = StoreFile.open(shop.file);
    expect(broken).toEqual([]);
    expect(file.jobs("state = 3")).toHaveLength(20);
    expect(file.jobs("state = 4")).toHaveLength(HANGS_MANY);
    expect(shop.repeated()).toEqual([]);
  });
});

describe("a loop handler that blocks the main loop", () => {
  it("is named once, with its task, its job and the measured time", async () => {
    using shop = new Workshop();
    await using app = await shop.open({ work: { loop: 5, threads: 1 } });

    await app.enqueue("quick", { n: 1 });
    const from = performance.now();
    const id = await app.enqueue("block", { n: 2, ms: 300 });
    await app.ask("result", { id });
    const tookMs = performance.now() - from;
    await app.enqueue("quick", { n: 3 });
    await app.ask("join");
    const named = await app.events("blocked");
    await app.close();

    expect(named.map(({ data }) => ({ task: data["task"], jobId: data["jobId"] }))).toEqual([
      { task: "block", jobId: id },
    ]);
    expect(Number(named[0]?.data["blockedMs"])).toBeGreaterThanOrEqual(300);
    expect(Number(named[0]?.data["blockedMs"])).toBeLessThan(tookMs);
  });

  it("after its first await is named as well, once for each block", async () => {
    using shop = new Workshop();
    await using app = await shop.open({ work: { loop: 5 } });
    const ids: string[] = [];

    // On a starved machine the watch keeps quiet rather than to accuse; so it gets more than one.
    const named = await until("one is named", async () => {
      const id = await app.enqueue("awaken", { n: ids.length + 1, ms: 400 });
      ids.push(id);
      await app.ask("result", { id });
      const events = await app.events("blocked");
      return events.length > 0 ? events : undefined;
    });
    await app.close();

    const accused = named.map(({ data }) => String(data["jobId"]));
    expect(new Set(accused).size).toBe(accused.length);
    expect(accused.filter((id) => !ids.includes(id))).toEqual([]);
    expect(new Set(named.map(({ data }) => data["task"]))).toEqual(new Set(["awaken"]));
  });
});
