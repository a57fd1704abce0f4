import { describe, expect, it } from "vitest";
import { UnjamError } from "../core/errors.ts";
import type { JobNumber } from "../core/job.ts";
import { SUSPECT_LOSSES } from "../core/limits.ts";
import { someFacts } from "../../test/runtime/job-builders.ts";
import { aLane, aWarmedLane, StoreStage } from "../../test/runtime/store-stage.ts";
import { Fetcher } from "./fetcher.ts";

/** A fetcher with lanes for the loop, for threads and for suspects, and suspects of the loop's task. */
async function aFetcherWithSuspects({ slots = 2, count = 1 } = {}) {
  const loop = aLane({ slots: 3 });
  const alone = aWarmedLane({ slots });
  const tasks = [someFacts()];
  const stage = await StoreStage.open({ lanes: [loop, aLane({ name: "thread" }), alone], tasks });
  const fetcher = new Fetcher({
    ...{ ...stage.tools, owner: stage.owner, tasks, queues: ["mail"] },
    onClaimed: () => undefined,
    targets: () => [],
  });
  const suspects = count === 0 ? [] : await stage.add(count);
  for (let loss = 1; loss <= SUSPECT_LOSSES; loss++) await loseAll(stage);
  const before = stage.gate.countOf("claim");
  /** How many slots of each claim of the fetcher were for suspects only. */
  const asked = (): number[] =>
    stage.gate
      .callsOf("claim")
      .slice(before)
      .map((call) => call[0].slots.filter(({ suspects: which }) => which === "only").length);
  /** So many members of the lane for suspects have started and not ended. */
  const stand = async (standing: number): Promise<void> => {
    stage.executor.setStanding("alone", standing);
    fetcher.noteStanding("alone");
    await stage.clock.settle();
  };
  /** A suspect comes to its end, and its process with it. */
  const end = async (id: JobNumber): Promise<void> => {
    stage.executor.setStanding("alone", 0);
    fetcher.noteStanding("alone");
    stage.executor.ended({ id, token: SUSPECT_LOSSES + 1 }, "returned");
    fetcher.look();
    await stage.clock.settle();
  };
  return { stage, fetcher, loop, alone, suspects, asked, stand, end };
}

/** Every ready job is claimed and lost. */
async function loseAll({ gate: { store }, owner, deadline }: StoreStage): Promise<void> {
  const slots = [{ queue: "mail", tasks: ["send"], limit: 100 }];
  const jobs = await store.claim({ owner, slots }, deadline);
  const outcome = { event: "loseLease", error: "{}" } as const;
  const settlements = jobs.map(({ id, token }) => ({ id, token, outcome }));
  await store.settle(settlements, deadline);
}

describe("the fetcher", () => {
  it("gives suspects to the lane for them, whatever their task says", async () => {
    const { alone, loop, suspects, stage, fetcher, stand } = await aFetcherWithSuspects();
    const fresh = await stage.add(1);

    fetcher.start();
    await stand(1);

    expect(loop.started).toEqual(fresh);
    expect(alone.started).toEqual(suspects);
  });

  it("leases no suspect before a process stands for it", async () => {
    const { alone, stage, fetcher, asked } = await aFetcherWithSuspects();

    fetcher.start();
    await stage.clock.settle();
    fetcher.look();
    await stage.clock.settle();

    expect(alone.started).toEqual([]);
    expect(asked()).toEqual([0]);
  });

  it("has as many processes started as there are suspects, and says so once", async () => {
    const { alone, stage, fetcher } = await aFetcherWithSuspects({ slots: 3, count: 2 });

    fetcher.start();
    await stage.clock.settle();
    fetcher.look();
    await stage.clock.settle();

    expect(alone.warmed).toEqual([2]);
    expect(stage.gate.countOf("countClaimable")).toBe(1);
  });

  it("has no more started than there are slots", async () => {
    const { alone, stage, fetcher } = await aFetcherWithSuspects({ slots: 2, count: 5 });

    fetcher.start();
    await stage.clock.settle();

    expect(alone.warmed).toEqual([2]);
  });

  it("has the next process started when a suspect has come to its end", async () => {
    const parts = await aFetcherWithSuspects({ slots: 1, count: 2 });
    const { alone, suspects, fetcher, stand, end } = parts;
    fetcher.start();
    await stand(1);

    await end(suspects[0] ?? 0);
    await stand(1);

    expect(alone.warmed).toEqual([1, 1]);
    expect(alone.started).toEqual(suspects);
  });

  it("has none started when that was the last one", async () => {
    const { alone, suspects, fetcher, stand, end } = await aFetcherWithSuspects({ slots: 1 });
    fetcher.start();
    await stand(1);

    await end(suspects[0] ?? 0);

    expect(alone.warmed).toEqual([1]);
  });

  it("lets processes go when others took the suspects that they were started for", async () => {
    const { alone, suspects, stage, fetcher, stand } = await aFetcherWithSuspects();
    fetcher.start();
    await stage.clock.settle();
    const request = { ids: suspects, keepMs: 1_000, error: "{}" };
    await stage.gate.store.cancel(request, stage.deadline);

    await stand(1);

    expect(alone.warmed).toEqual([1, 0]);
    expect(alone.started).toEqual([]);
  });

  it("asks again for suspects when the store could not say whether there are any", async () => {
    const { alone, stage, fetcher } = await aFetcherWithSuspects();
    stage.gate.fail("countClaimable", new UnjamError("UNJAM_CLOSED", { what: "the store" }));
    fetcher.start();
    await stage.clock.settle();

    fetcher.look();
    await stage.clock.settle();

    expect(stage.errors.map(({ name }) => name)).toEqual(["fetcher"]);
    expect(alone.warmed).toEqual([1]);
  });

  it("looks for suspects at its start and when anything may have changed, not for each new job", async () => {
    const { stage, fetcher } = await aFetcherWithSuspects({ count: 0 });
    const lookCount = (): number => stage.gate.countOf("countClaimable");
    fetcher.start();
    await stage.clock.settle();
    const atStart = lookCount();

    fetcher.noteReady("mail");
    await stage.clock.settle();
    const afterNewJob = lookCount();
    fetcher.noteAll();
    await stage.clock.settle();

    expect([atStart, afterNewJob, lookCount()]).toEqual([1, 1, 2]);
  });

  it("lets suspects run where their task says when there is no lane for them", async () => {
    const { stage, fetcher, loop, suspects } = await aFetcherWithSuspects({ slots: 0 });

    fetcher.start();
    await stage.clock.settle();

    expect(loop.started).toEqual(suspects);
  });
});
