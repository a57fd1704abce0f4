import { describe, expect, it } from "vitest";
import { KEEP_DEAD_MS_DEFAULT, LEASE_MS, LOSSES_MAX } from "../../src/core/limits.ts";
import type { WakeAnswer } from "../../src/store/store.ts";
import { anOwner, failForRetry, HAND_BACK, type OpenScene, SUCCEED } from "./scene.ts";

/** What time does to jobs, and that `wake` is how it does it. */
export function timeFacts(open: OpenScene): void {
  describe("a scheduled job", () => {
    it("becomes ready when it is due, and not 1 ms sooner", async () => {
      await using scene = await open();
      const runAt = scene.clock.wallNow() + 1_000;
      const id = await scene.addJob({ runAt });

      scene.clock.advance(999);
      expect(await scene.wake()).toEqual(nothing({ nextDueAt: runAt }));
      expect(await scene.state(id)).toBe("scheduled");
      scene.clock.advance(1);
      expect(await scene.wake()).toEqual(nothing({ readyCount: 1 }));
      expect(await scene.claimIds()).toEqual([id]);
    });

    it("goes by the wall clock", async () => {
      await using scene = await open();
      const id = await scene.addJob({ runAt: scene.clock.wallNow() + 1_000 });

      scene.clock.jumpWall(1_000);
      await scene.wake();

      expect(await scene.state(id)).toBe("ready");
    });

    it("that is due next is named", async () => {
      await using scene = await open();
      const now = scene.clock.wallNow();
      for (const inMs of [500, 100, 900]) await scene.addJob({ runAt: now + inMs });

      expect(await scene.wake()).toMatchObject({ nextDueAt: now + 100 });
      scene.clock.advance(500);
      expect(await scene.wake()).toMatchObject({ readyCount: 2, nextDueAt: now + 900 });
    });

    it("is hastened to an earlier time, never to a later one", async () => {
      await using scene = await open();
      const runAt = scene.clock.wallNow() + 1_000;
      const id = await scene.addJob({ runAt });

      await scene.hasten([id], 2_000);
      expect(await scene.job(id)).toMatchObject({ state: "scheduled", runAt });
      await scene.hasten([id], 10);
      expect(await scene.job(id)).toMatchObject({ state: "scheduled", runAt: runAt - 990 });
      scene.clock.advance(10);
      expect(await scene.wake()).toMatchObject({ readyCount: 1 });
    });

    it("that is hastened overtakes those that were due before it", async () => {
      await using scene = await open();
      const now = scene.clock.wallNow();
      const ids: number[] = [];
      for (const inMs of [100, 200, 300, 400]) ids.push(await scene.addJob({ runAt: now + inMs }));

      await scene.hasten(ids.slice(3), 50);

      expect(await scene.wake()).toMatchObject({ nextDueAt: now + 50 });
      scene.clock.advance(50);
      expect(await scene.wake()).toMatchObject({ readyCount: 1, nextDueAt: now + 100 });
      expect(await scene.claimIds()).toEqual(ids.slice(3));
    });

    it("is the only kind that can be hastened", async () => {
      await using scene = await open();
      const done = await scene.leasedJob();
      await scene.settle(done, SUCCEED);
      const leased = await scene.leasedJob();
      const ready = await scene.addJob();
      const ids = [done.id, leased.id, ready];
      const before = await scene.store.get(ids);

      await scene.hasten([...ids, 999_999_999], 0);

      expect(await scene.store.get(ids)).toEqual(before);
    });

    it("waiting for a retry is hastened like any other", async () => {
      await using scene = await open();
      const job = await scene.leasedJob();
      await scene.settle(job, failForRetry(scene.clock.wallNow() + 60_000));

      await scene.hasten([job.id], 0);

      expect(await scene.wake()).toMatchObject({ readyCount: 1 });
      expect(await scene.state(job.id)).toBe("ready");
    });
  });

  expiryFacts(open);
  leaseFacts(open);
  limitFacts(open);
}

function expiryFacts(open: OpenScene): void {
  describe("a job with an expiry", () => {
    it("expires when its time is over, and not 1 ms sooner", async () => {
      await using scene = await open();
      const id = await scene.addJob({ expireAt: scene.clock.wallNow() + 1_000 });

      scene.clock.advance(999);
      expect(await scene.wake()).toEqual(nothing());
      scene.clock.advance(1);
      expect(await scene.wake()).toEqual(nothing({ settled: [id] }));
      expect(await scene.job(id)).toMatchObject({
        state: "expired",
        settledAt: scene.clock.wallNow(),
      });
    });

    it("expires before it is due when that comes first", async () => {
      await using scene = await open();
      const now = scene.clock.wallNow();
      const id = await scene.addJob({ runAt: now + 2_000, expireAt: now + 1_000 });

      scene.clock.advance(1_000);

      expect(await scene.wake()).toEqual(nothing({ settled: [id] }));
    });

    it("is never called ready when it comes due too late", async () => {
      await using scene = await open();
      const now = scene.clock.wallNow();
      const id = await scene.addJob({ runAt: now + 1_000, expireAt: now + 1_500 });

      scene.clock.advance(2_000);

      expect(await scene.wake()).toEqual(nothing({ settled: [id], readyCount: 0 }));
    });

    it("does not expire while it is leased", async () => {
      await using scene = await open();
      const job = await scene.leasedJob({ expireAt: scene.clock.wallNow() + 1_000 });

      scene.clock.advance(1_000);

      expect(await scene.wake()).toEqual(nothing());
      expect(await scene.settle(job, SUCCEED)).toEqual([]);
    });

    it("does not expire while it waits for a retry: it has started", async () => {
      await using scene = await open();
      const job = await scene.leasedJob({ expireAt: scene.clock.wallNow() + 1_000 });
      await scene.settle(job, failForRetry(scene.clock.wallNow() + 2_000));

      scene.clock.advance(1_000);
      expect(await scene.wake()).toMatchObject({ settled: [], readyCount: 0 });
      scene.clock.advance(1_000);
      expect(await scene.wake()).toMatchObject({ settled: [], readyCount: 1 });
      expect(await scene.state(job.id)).toBe("ready");
    });

    it("expires when it was handed back: it never started", async () => {
      await using scene = await open();
      const job = await scene.leasedJob({ expireAt: scene.clock.wallNow() + 1_000 });
      await scene.settle(job, HAND_BACK);

      scene.clock.advance(1_000);

      expect(await scene.wake()).toEqual(nothing({ settled: [job.id] }));
    });

    it("is kept for KEEP_DEAD_MS_DEFAULT once it has expired", async () => {
      await using scene = await open();
      await scene.addJob({ expireAt: scene.clock.wallNow() });
      await scene.wake();

      scene.clock.advance(KEEP_DEAD_MS_DEFAULT - 1);
      expect(await scene.prune()).toBe(0);
      scene.clock.advance(1);
      expect(await scene.prune()).toBe(1);
    });
  });
}

function leaseFacts(open: OpenScene): void {
  describe("a lease", () => {
    it("is lost when it has run out, and not 1 ms sooner", async () => {
      await using scene = await open();
      const { id, token } = await scene.leasedJob();

      scene.clock.advance(LEASE_MS - 1);
      expect(await scene.wake()).toEqual(nothing());
      scene.clock.advance(1);
      expect(await scene.wake()).toEqual(nothing({ readyCount: 1, lost: [{ id, token }] }));
      expect(await scene.job(id)).toMatchObject({ state: "ready", attempt: 0, losses: 1, token });
    });

    it("goes by the monotonic clock: a jump of the wall clock ends none", async () => {
      await using scene = await open();
      await scene.leasedJob();

      scene.clock.jumpWall(86_400_000);
      expect(await scene.wake()).toEqual(nothing());
      scene.clock.jumpWall(-2 * 86_400_000);
      scene.clock.advance(LEASE_MS);
      expect(await scene.wake()).toMatchObject({ readyCount: 1 });
    });

    it("lasts as long as its last renewal says, longer or shorter", async () => {
      await using scene = await open();
      const job = await scene.leasedJob();
      await scene.renew(job, { leaseUntil: scene.clock.now() + 100_000 });

      scene.clock.advance(99_999);
      expect(await scene.wake()).toEqual(nothing());
      await scene.renew(job, { leaseUntil: scene.clock.now() + 10 });
      scene.clock.advance(9);
      expect(await scene.wake()).toEqual(nothing());
      scene.clock.advance(1);
      expect(await scene.wake()).toMatchObject({ lost: [{ id: job.id, token: job.token }] });
    });

    it("that is renewed does not hold up those that are not", async () => {
      await using scene = await open();
      await scene.addGroup({ count: 5 });
      const jobs = await scene.claim({ limit: 5 });
      const [first, second, ...others] = jobs;
      if (first === undefined || second === undefined) throw new Error("five jobs were ready");
      await scene.renew(first, { leaseUntil: scene.clock.now() + 100_000 });
      await scene.renew(second, { leaseUntil: scene.clock.now() + 5 });

      scene.clock.advance(5);
      expect((await scene.wake()).lost.map(({ id }) => id)).toEqual([second.id]);
      scene.clock.advance(LEASE_MS - 5);
      const { lost } = await scene.wake();

      expect(lost.map(({ id }) => id).toSorted((a, b) => a - b)).toEqual(
        others.map(({ id }) => id),
      );
    });

    it("can be renewed past its end as long as nobody has taken it", async () => {
      await using scene = await open();
      const job = await scene.leasedJob();
      scene.clock.advance(LEASE_MS);

      expect(await scene.renew(job)).toEqual([]);
      expect(await scene.wake()).toEqual(nothing());
    });

    it("that is lost cannot be renewed, and its progress is not written", async () => {
      await using scene = await open();
      const { id, token } = await scene.leasedJob();
      scene.clock.advance(LEASE_MS);
      await scene.wake();

      expect(await scene.renew({ id, token }, { progress: 1 })).toEqual([{ id, token }]);
      expect(await scene.job(id)).toMatchObject({
        state: "ready",
        progress: null,
        leaseUntil: null,
      });
      const { token: next } = await scene.claimOne();
      expect(await scene.renew({ id, token })).toEqual([{ id, token }]);
      expect(await scene.renew({ id, token: next })).toEqual([]);
    });

    it("carries progress and note, and a renewal that says nothing leaves them", async () => {
      await using scene = await open();
      const job = await scene.leasedJob();

      await scene.renew(job, { progress: 0.25, note: "a 🐎" });
      await scene.renew(job, { progress: 0 });
      await scene.renew(job);

      expect(await scene.job(job.id)).toMatchObject({ progress: 0, note: "a 🐎" });
    });

    it("of a dead owner is lost at once; the others keep theirs", async () => {
      await using scene = await open();
      const other = await scene.store.join(anOwner({ label: "other" }), scene.deadline);
      const { id, token } = await scene.leasedJob();
      const kept = await scene.leasedJob({}, other);

      const answer = await scene.wake({ deadOwners: [{ id: scene.owner, reason: "killed" }] });

      expect(answer).toEqual(nothing({ readyCount: 1, lost: [{ id, token }] }));
      const { losses, error } = await scene.job(id);
      expect(losses).toBe(1);
      expect(error).toContain("killed");
      expect(await scene.state(kept.id)).toBe("leased");
      const owners = await scene.store.owners(10);
      expect(owners.find((owner) => owner.id === scene.owner)).toMatchObject({
        reason: "killed",
        leftAt: scene.clock.wallNow(),
      });
    });

    it("of an owner that said goodbye stays until it ends", async () => {
      await using scene = await open();
      const job = await scene.leasedJob();
      await scene.step(scene.store.leave(scene.owner, "bye", scene.deadline));

      expect(await scene.wake()).toEqual(nothing());
      expect(await scene.settle(job, SUCCEED)).toEqual([]);
    });

    it(`lost for the ${LOSSES_MAX + 1}th time leaves the job dead, not ready`, async () => {
      await using scene = await open();
      const id = await scene.addJob();
      for (let loss = 0; loss < LOSSES_MAX; loss++) {
        await scene.claimOne();
        scene.clock.advance(LEASE_MS);
        await scene.wake();
      }
      const { token } = await scene.claimOne();
      scene.clock.advance(LEASE_MS);

      expect(await scene.wake()).toEqual(nothing({ settled: [id], lost: [{ id, token }] }));
      expect(await scene.job(id)).toMatchObject({ state: "dead", losses: LOSSES_MAX + 1 });
      expect(await scene.queue()).toMatchObject({ failedTotal: 1 });
    });
  });
}

function limitFacts(open: OpenScene): void {
  describe("the limit of wake", () => {
    it("bounds each kind of work, and says that there is more", async () => {
      await using scene = await open();
      await scene.addGroup({ count: 5 });
      await scene.claim({ limit: 5 });
      const now = scene.clock.wallNow();
      await scene.addGroup({ count: 5, shape: { runAt: now + 1 } });
      await scene.addGroup({ count: 5, shape: { task: "other", expireAt: now + 1 } });
      scene.clock.advance(LEASE_MS);

      const answer = await scene.wake({ limit: 2 });

      expect(answer).toMatchObject({ more: true, readyCount: 4 });
      expect(answer.settled).toHaveLength(2);
      expect(answer.lost).toHaveLength(2);
      expect(await scene.queue()).toMatchObject({
        counts: { leased: 3, scheduled: 3, expired: 2, ready: 7 },
      });
    });

    it("is for all dead owners and lapsed leases together", async () => {
      await using scene = await open();
      const owners = [scene.owner, await scene.store.join(anOwner(), scene.deadline)];
      await scene.addGroup({ count: 9 });
      for (const owner of owners) await scene.claim({ limit: 3 }, owner);
      const deadOwners = owners.map((id) => ({ id, reason: "killed" }));

      const first = await scene.wake({ limit: 4, deadOwners });
      const second = await scene.wake({ limit: 4, deadOwners });

      expect(first.lost).toHaveLength(4);
      expect(first.more).toBe(true);
      expect(second.lost).toHaveLength(2);
      expect(second.more).toBe(false);
      expect(await scene.queue()).toMatchObject({ counts: { leased: 0, ready: 9 } });
    });

    it("leaves a dead owner among the living until its last lease is taken", async () => {
      await using scene = await open();
      await scene.addGroup({ count: 3 });
      await scene.claim({ limit: 3 });
      const deadOwners = [{ id: scene.owner, reason: "killed" }];

      await scene.wake({ limit: 2, deadOwners });
      expect(await scene.store.owners(1)).toMatchObject([{ leftAt: null }]);
      await scene.wake({ limit: 2, deadOwners });
      expect(await scene.store.owners(1)).toMatchObject([{ reason: "killed" }]);
    });

    it("reached again and again gets everything done", async () => {
      await using scene = await open();
      await scene.addGroup({ count: 10, shape: { runAt: scene.clock.wallNow() + 1 } });
      scene.clock.advance(1);

      let readyCount = 0;
      let answer = await scene.wake({ limit: 3 });
      for (; answer.more; answer = await scene.wake({ limit: 3 })) readyCount += answer.readyCount;

      expect(readyCount + answer.readyCount).toBe(10);
      expect(await scene.claimIds()).toHaveLength(10);
    });
  });
}

/** What waking answers when nothing happened, except what is said. */
function nothing(changes: Partial<WakeAnswer> = {}): WakeAnswer {
  return { readyCount: 0, settled: [], lost: [], more: false, nextDueAt: null, ...changes };
}
