import { describe, expect, it } from "vitest";
import { DEDUPE_MS } from "../../src/core/limits.ts";
import {
  anError,
  FAIL_FOR_GOOD,
  failForRetry,
  LOSE_LEASE,
  type OpenScene,
  type Scene,
  SUCCEED,
} from "./scene.ts";

/** What operators and the pruner do, and what they are shown. */
export function operatorFacts(open: OpenScene): void {
  describe("cancel", () => {
    it("ends scheduled, ready and leased jobs, and answers them", async () => {
      await using scene = await open();
      const leased = (await scene.leasedJob()).id;
      const scheduled = await scene.addJob({ runAt: scene.clock.wallNow() + 9 });
      const ready = await scene.addJob();

      expect(await scene.cancel(scheduled, ready, leased)).toEqual([scheduled, ready, leased]);

      for (const id of [scheduled, ready, leased]) {
        const settledAt = scene.clock.wallNow();
        expect(await scene.job(id)).toMatchObject({
          state: "cancelled",
          error: anError("cancelled"),
          settledAt,
        });
      }
      expect(await scene.claimIds()).toEqual([]);
    });

    it("takes the lease from a running attempt, which counts neither as attempt nor as loss", async () => {
      await using scene = await open();
      const { id, token } = await scene.leasedJob();

      await scene.cancel(id);

      expect(await scene.renew({ id, token })).toEqual([{ id, token }]);
      expect(await scene.settle({ id, token }, FAIL_FOR_GOOD)).toEqual([{ id, token }]);
      expect(await scene.job(id)).toMatchObject({
        state: "cancelled",
        attempt: 0,
        losses: 0,
        leaseUntil: null,
      });
    });

    it("leaves settled and unknown jobs alone", async () => {
      await using scene = await open();
      const job = await scene.leasedJob();
      await scene.settle(job, SUCCEED);

      expect(await scene.cancel(job.id, 999_999_999)).toEqual([]);
      expect(await scene.state(job.id)).toBe("done");
    });

    it("answers a job that is named twice once", async () => {
      await using scene = await open();
      const id = await scene.addJob();

      expect(await scene.cancel(id, id)).toEqual([id]);
    });

    it("ends the retrying of a job that waits for its retry", async () => {
      await using scene = await open();
      const job = await scene.leasedJob();
      await scene.settle(job, failForRetry(scene.clock.wallNow() + 9));

      await scene.cancel(job.id);

      expect(await scene.queue()).toMatchObject({
        retryingCount: 0,
        failedTotal: 0,
        counts: { cancelled: 1 },
      });
    });
  });

  reviveFacts(open);
  pruneFacts(open);
  listFacts(open);
}

function reviveFacts(open: OpenScene): void {
  describe("revive", () => {
    it("gives a dead job another life, from nothing", async () => {
      await using scene = await open();
      const first = await scene.leasedJob();
      await scene.settle(first, LOSE_LEASE);
      await scene.settle(await scene.claimOne(), FAIL_FOR_GOOD);

      expect(await scene.revive(first.id)).toEqual([first.id]);

      expect(await scene.job(first.id)).toMatchObject({
        state: "ready",
        attempt: 0,
        losses: 0,
        settledAt: null,
        result: null,
        error: null,
        token: 2,
        progress: null,
        note: null,
      });
      expect(await scene.claimOne()).toMatchObject({
        id: first.id,
        attempt: 0,
        losses: 0,
        token: 3,
      });
    });

    it("makes a job ready even when it was to start later", async () => {
      await using scene = await open();
      const id = await scene.addJob({ runAt: scene.clock.wallNow() + 60_000 });
      await scene.cancel(id);

      await scene.revive(id);

      expect(await scene.claimIds()).toEqual([id]);
    });

    it("gives an expired job a life that does not expire again", async () => {
      await using scene = await open();
      const id = await scene.addJob({ expireAt: scene.clock.wallNow() });
      await scene.wake();

      await scene.revive(id);
      await scene.wake();

      expect(await scene.claimIds()).toEqual([id]);
    });

    it("leaves done, unfinished and unknown jobs alone", async () => {
      await using scene = await open();
      const done = await scene.leasedJob();
      await scene.settle(done, SUCCEED);
      const leased = await scene.leasedJob();
      const ready = await scene.addJob();

      expect(await scene.revive(done.id, leased.id, ready, 999_999_999)).toEqual([]);
    });

    it("leaves a job alone whose key has gone to another unfinished one", async () => {
      await using scene = await open();
      const first = await scene.addJob({ key: "k" });
      await scene.cancel(first);
      const second = await scene.addJob({ key: "k" });
      await scene.cancel(second);

      expect(await scene.revive(first, second)).toEqual([first]);
      expect(await scene.revive(second)).toEqual([]);
      expect(await scene.state(second)).toBe("cancelled");
      expect(await scene.addGroup({ shape: { key: "k" } })).toEqual([
        { kind: "exists", id: first },
      ]);
    });

    it("keeps a job from being pruned", async () => {
      await using scene = await open();
      const id = await scene.addJob();
      await scene.cancel(id);
      await scene.revive(id);

      scene.clock.advance(3_600_000);

      expect(await scene.prune()).toBe(0);
    });
  });
}

function pruneFacts(open: OpenScene): void {
  describe("prune", () => {
    it("removes a settled row when its keepMs are over, and not 1 ms sooner", async () => {
      await using scene = await open();
      const done = await scene.leasedJob();
      await scene.settle(done, { ...SUCCEED, keepMs: 100_000 });
      const dead = await scene.leasedJob();
      await scene.settle(dead, { ...FAIL_FOR_GOOD, keepMs: 200_000 });

      scene.clock.advance(99_999);
      expect(await scene.prune()).toBe(0);
      scene.clock.advance(1);
      expect(await scene.prune()).toBe(1);
      expect(await scene.list()).toEqual([dead.id]);
      scene.clock.advance(100_000);
      expect(await scene.prune()).toBe(1);
      expect(await scene.list()).toEqual([]);
    });

    it("keeps every settled row for DEDUPE_MS, so that a late repeat finds it", async () => {
      await using scene = await open();
      const job = await scene.leasedJob();
      await scene.settle(job, { ...SUCCEED, keepMs: 0 });

      scene.clock.advance(DEDUPE_MS - 1);
      expect(await scene.prune()).toBe(0);
      expect(await scene.addGroup({ ids: [job.id] })).toEqual([{ kind: "exists", id: job.id }]);
      scene.clock.advance(1);
      expect(await scene.prune()).toBe(1);
      expect(await scene.addGroup({ ids: [job.id] })).toBe("added");
    });

    it("removes the oldest done rows beyond doneCountMax, in each queue", async () => {
      await using scene = await open();
      const mail = await settleMany(scene, "mail", 4);
      const other = await settleMany(scene, "other", 2);

      expect(await scene.prune({ doneCountMax: 2 })).toBe(2);

      expect(await scene.list()).toEqual([...mail.slice(2), ...other]);
      expect(await scene.queue()).toMatchObject({ counts: { done: 2 }, doneTotal: 4 });
    });

    it("does not count dead and cancelled rows as done", async () => {
      await using scene = await open();
      await scene.settle(await scene.leasedJob(), FAIL_FOR_GOOD);
      await scene.cancel(await scene.addJob());

      expect(await scene.prune({ doneCountMax: 0 })).toBe(0);
    });

    it("leaves unfinished jobs alone, however old", async () => {
      await using scene = await open();
      await scene.leasedJob();
      await scene.addJob();
      await scene.addJob({ runAt: scene.clock.wallNow() + 1 });
      scene.clock.advance(31_536_000_000);

      expect(await scene.prune({ doneCountMax: 0 })).toBe(0);
      expect(await scene.list()).toHaveLength(3);
    });

    it("removes at most its limit, over both reasons and all queues", async () => {
      await using scene = await open();
      await settleMany(scene, "mail", 3);
      await settleMany(scene, "other", 3);
      await scene.cancel(await scene.addJob(), await scene.addJob());
      scene.clock.advance(3_600_000);
      await settleMany(scene, "mail", 2);

      const removed: number[] = [];
      for (let round = 0; round < 5; round++)
        removed.push(await scene.prune({ limit: 3, doneCountMax: 1 }));

      expect(removed).toEqual([3, 3, 3, 0, 0]);
      expect(await scene.list()).toHaveLength(1);
    });
  });
}

function listFacts(open: OpenScene): void {
  describe("list", () => {
    it("shows jobs by number, ascending, whatever the order they came in", async () => {
      await using scene = await open();
      const ids = Array.from({ length: 5 }, () => scene.newId());
      await scene.addGroup({ ids: ids.toReversed() });
      await scene.addJob({ queue: "other" });

      expect((await scene.list()).slice(0, 5)).toEqual(ids);
    });

    it("shows one queue, and some states", async () => {
      await using scene = await open();
      const [leased, ready] = [(await scene.leasedJob()).id, await scene.addJob()];
      const scheduled = await scene.addJob({ runAt: scene.clock.wallNow() + 1 });
      const other = await scene.addJob({ queue: "other" });

      expect(await scene.list({ queue: "other" })).toEqual([other]);
      expect(await scene.list({ queue: "nowhere" })).toEqual([]);
      expect(await scene.list({ states: ["ready"] })).toEqual([ready, other]);
      expect(await scene.list({ queue: "mail", states: ["scheduled", "leased"] })).toEqual([
        leased,
        scheduled,
      ]);
      expect(await scene.list({ states: ["scheduled", "scheduled"] })).toEqual([scheduled]);
      expect(await scene.list({ states: [] })).toEqual([]);
    });

    it("turns its pages without a gap or a repeat while jobs change state", async () => {
      await using scene = await open();
      await scene.addGroup({ count: 300 });
      await scene.addGroup({ count: 5, shape: { queue: "other" } });
      const all = await scene.list();

      const seen: number[] = [];
      for (let page = await scene.list({ limit: 70 }); page.length > 0;) {
        seen.push(...page);
        await scene.claim({ limit: 30 });
        page = await scene.list({ limit: 70, after: page.at(-1) ?? 0 });
      }

      expect(all).toHaveLength(305);
      expect(seen).toEqual(all);
    });

    it("starts after a number that need not be there", async () => {
      await using scene = await open();
      const [first, second, third] = [await scene.addJob(), scene.newId(), await scene.addJob()];

      expect(await scene.list({ after: first })).toEqual([third]);
      expect(await scene.list({ after: second })).toEqual([third]);
      expect(await scene.list({ after: third })).toEqual([]);
      expect(await scene.list({ limit: 0 })).toEqual([]);
    });
  });

  describe("queues", () => {
    it("are shown once somebody enqueued to them or paused them, and none before", async () => {
      await using scene = await open();
      expect(await scene.store.queues()).toEqual([]);

      await scene.addJob();
      await scene.claim({ queue: "nowhere" });
      await scene.step(scene.store.setPaused("quiet", false, scene.deadline));

      expect((await scene.store.queues()).map(({ name }) => name).toSorted()).toEqual([
        "mail",
        "quiet",
      ]);
    });
  });
}

async function settleMany(scene: Scene, queue: string, count: number): Promise<readonly number[]> {
  await scene.addGroup({ count, shape: { queue } });
  const jobs = await scene.claim({ queue, limit: count });
  for (const job of jobs) {
    await scene.settle(job, SUCCEED);
    scene.clock.advance(1);
  }
  return jobs.map(({ id }) => id);
}
