import { describe, expect, it } from "vitest";
import type { JobState } from "../../src/core/job-state.ts";
import type { Outcome } from "../../src/core/job.ts";
import { KEEP_DEAD_MS_DEFAULT, LOSSES_MAX } from "../../src/core/limits.ts";
import {
  anError,
  CANCEL,
  FAIL_FOR_GOOD,
  failForRetry,
  HAND_BACK,
  LOSE_LEASE,
  type OpenScene,
  type Scene,
  SUCCEED,
} from "./scene.ts";

/** How attempts end, what counts, and what becomes of outcomes that come too late or twice. */
export function settleFacts(open: OpenScene): void {
  describe("settle", () => {
    const counted: readonly [Outcome, JobState][] = [
      [SUCCEED, "done"],
      [FAIL_FOR_GOOD, "dead"],
      [CANCEL, "cancelled"],
      [failForRetry(1), "scheduled"],
    ];
    for (const [outcome, state] of counted) {
      it(`counts one attempt and no loss on ${outcome.event}`, async () => {
        await using scene = await open();
        const job = await scene.leasedJob();

        expect(await scene.settle(job, outcome)).toEqual([]);

        expect(await scene.job(job.id)).toMatchObject({ state, attempt: 1, losses: 0, token: 1 });
      });
    }

    it("counts nothing on handBack", async () => {
      await using scene = await open();
      const job = await scene.leasedJob();

      await scene.settle(job, HAND_BACK);

      const counts = { state: "ready", attempt: 0, losses: 0, token: 1, error: null };
      expect(await scene.job(job.id)).toMatchObject(counts);
    });

    it("counts one loss and no attempt on loseLease", async () => {
      await using scene = await open();
      const job = await scene.leasedJob();

      await scene.settle(job, LOSE_LEASE);

      const counts = { state: "ready", attempt: 0, losses: 1, error: anError("lost") };
      expect(await scene.job(job.id)).toMatchObject(counts);
      expect(await scene.claimOne()).toMatchObject({ attempt: 0, losses: 1 });
    });

    it("keeps the result, and the error of a result that could not be stored", async () => {
      await using scene = await open();
      const good = await scene.leasedJob();
      await scene.settle(good, { ...SUCCEED, result: '{"n":1}' });
      const tooLarge = await scene.leasedJob();
      await scene.settle(tooLarge, { ...SUCCEED, result: null, error: anError("too large") });

      expect(await scene.job(good.id)).toMatchObject({ result: '{"n":1}', error: null });
      expect(await scene.job(tooLarge.id)).toMatchObject({
        state: "done",
        result: null,
        error: anError("too large"),
      });
    });

    it("keeps the last attempt's error, and no error after a success", async () => {
      await using scene = await open();
      const first = await scene.leasedJob();
      await scene.settle(first, failForRetry(scene.clock.wallNow()));
      expect(await scene.job(first.id)).toMatchObject({ error: anError() });
      await scene.wake();

      await scene.settle(await scene.claimOne(), SUCCEED);

      expect(await scene.job(first.id)).toMatchObject({ error: null, attempt: 2 });
    });

    it("sets the time of a retry, and tells the next attempt how many there were", async () => {
      await using scene = await open();
      const job = await scene.leasedJob();
      const runAt = scene.clock.wallNow() + 500;

      await scene.settle(job, failForRetry(runAt));

      expect(await scene.job(job.id)).toMatchObject({ state: "scheduled", runAt });
      expect(await scene.queue()).toMatchObject({ retryingCount: 1 });
      scene.clock.advance(500);
      await scene.wake();
      expect(await scene.queue()).toMatchObject({ retryingCount: 0 });
      expect(await scene.claimOne()).toMatchObject({ attempt: 1, losses: 0, token: 2 });
    });

    it("notes when the job was settled, and keeps when it was claimed", async () => {
      await using scene = await open();
      const job = await scene.leasedJob();
      const claimedAt = scene.clock.wallNow();
      scene.clock.advance(7);

      await scene.settle(job, SUCCEED);

      const { settledAt, ...rest } = await scene.job(job.id);
      expect(settledAt).toBe(claimedAt + 7);
      expect(rest).toMatchObject({ claimedAt, leaseUntil: null, token: 1 });
    });

    it("names an owner only while the job is leased", async () => {
      await using scene = await open();
      for (const outcome of [SUCCEED, FAIL_FOR_GOOD, CANCEL, failForRetry(1), LOSE_LEASE]) {
        const job = await scene.leasedJob();
        expect(await scene.job(job.id)).toMatchObject({ owner: scene.owner });

        await scene.settle(job, outcome);

        expect(await scene.job(job.id)).toMatchObject({ owner: null });
      }
    });

    it("raises the totals, which pruning does not lower", async () => {
      await using scene = await open();
      for (const outcome of [SUCCEED, SUCCEED, FAIL_FOR_GOOD, CANCEL, HAND_BACK]) {
        await scene.settle(await scene.leasedJob(), outcome);
      }
      await scene.addJob({ expireAt: scene.clock.wallNow() });
      await scene.wake();
      expect(await scene.queue()).toMatchObject({ doneTotal: 2, failedTotal: 2 });

      scene.clock.advance(KEEP_DEAD_MS_DEFAULT);
      await scene.prune();

      expect(await scene.list({ states: ["done", "dead", "cancelled", "expired"] })).toEqual([]);
      expect(await scene.queue()).toMatchObject({ doneTotal: 2, failedTotal: 2 });
    });

    it("settles many at once, and answers only the lost ones", async () => {
      await using scene = await open();
      await scene.addGroup({ count: 4 });
      const jobs = await scene.claim({ limit: 4 });
      const [stale] = jobs;
      if (stale === undefined) throw new Error("four jobs were ready");
      await scene.settle(stale, HAND_BACK);
      await scene.claimOne();

      const settlements = jobs.map(({ id, token }) => ({ id, token, outcome: SUCCEED }));
      const lost = await scene.step(scene.store.settle(settlements, scene.deadline));

      expect(lost).toEqual([{ id: stale.id, token: stale.token }]);
      expect(await scene.queue()).toMatchObject({ counts: { leased: 1, done: 3 } });
    });
  });

  lossFacts(open);
  lateFacts(open);
}

function lossFacts(open: OpenScene): void {
  describe("losses", () => {
    it(`up to ${LOSSES_MAX} give the job another chance; the next one makes it dead`, async () => {
      await using scene = await open();
      const id = await scene.addJob();
      await loseTimes(scene, LOSSES_MAX);
      expect(await scene.job(id)).toMatchObject({ state: "ready", losses: LOSSES_MAX });

      await loseTimes(scene, 1);

      expect(await scene.job(id)).toMatchObject({
        state: "dead",
        losses: LOSSES_MAX + 1,
        attempt: 0,
        settledAt: scene.clock.wallNow(),
      });
      expect(await scene.queue()).toMatchObject({ failedTotal: 1, counts: { dead: 1 } });
    });

    it("are told in the dead job's error, as an ErrorRecord", async () => {
      await using scene = await open();
      const id = await scene.addJob();
      await loseTimes(scene, LOSSES_MAX + 1);

      const { error } = await scene.job(id);

      const record: unknown = JSON.parse(error ?? "null");
      expect(record).toHaveProperty("name");
      expect(record).toHaveProperty("message");
      expect(error).not.toBe(anError("lost"));
    });

    it("keep the dead job for KEEP_DEAD_MS_DEFAULT, and not 1 ms less", async () => {
      await using scene = await open();
      await scene.addJob();
      await loseTimes(scene, LOSSES_MAX + 1);

      scene.clock.advance(KEEP_DEAD_MS_DEFAULT - 1);
      expect(await scene.prune()).toBe(0);
      scene.clock.advance(1);
      expect(await scene.prune()).toBe(1);
    });

    it("do not use up attempts, nor attempts losses", async () => {
      await using scene = await open();
      const id = await scene.addJob();
      for (let round = 0; round < 5; round++) {
        await scene.settle(await scene.claimOne(), failForRetry(scene.clock.wallNow()));
        await scene.wake();
      }
      await loseTimes(scene, 1);

      expect(await scene.job(id)).toMatchObject({ state: "ready", attempt: 5, losses: 1 });
    });
  });
}

function lateFacts(open: OpenScene): void {
  describe("a late outcome", () => {
    it("is dropped once another attempt has the lease", async () => {
      await using scene = await open();
      const late = await scene.leasedJob();
      scene.clock.advance(15_000);
      await scene.wake();
      const now = await scene.claimOne();

      expect(await scene.settle(late, SUCCEED)).toEqual([{ id: late.id, token: late.token }]);
      expect(await scene.job(late.id)).toMatchObject({
        state: "leased",
        token: now.token,
        attempt: 0,
      });
      expect(await scene.settle(now, SUCCEED)).toEqual([]);
    });

    it("still counts while nobody has taken the lease, even past its end", async () => {
      await using scene = await open();
      const job = await scene.leasedJob();
      scene.clock.advance(60_000);

      expect(await scene.settle(job, SUCCEED)).toEqual([]);
      expect(await scene.state(job.id)).toBe("done");
    });

    it("of a cancelled, pruned or unknown job is a loss", async () => {
      await using scene = await open();
      const cancelled = await scene.leasedJob();
      await scene.cancel(cancelled.id);
      const pruned = await scene.leasedJob();
      await scene.settle(pruned, { ...SUCCEED, keepMs: 0 });
      scene.clock.advance(60_000);
      await scene.prune();
      const unknown = { id: 999_999_999, token: 1 };

      for (const { id, token } of [cancelled, pruned, unknown]) {
        expect(await scene.settle({ id, token }, SUCCEED)).toEqual([{ id, token }]);
      }
    });

    it("is a loss even when the job is already where it would have put it", async () => {
      await using scene = await open();
      const cancelled = await scene.leasedJob();
      await scene.cancel(cancelled.id);
      const lapsed = await scene.leasedJob();
      scene.clock.advance(15_000);
      await scene.wake();

      const late = [
        { id: cancelled.id, token: cancelled.token, outcome: CANCEL },
        { id: lapsed.id, token: lapsed.token, outcome: HAND_BACK },
      ];
      const lost = await scene.step(scene.store.settle(late, scene.deadline));

      expect(lost).toEqual(late.map(({ id, token }) => ({ id, token })));
    });

    it("with the token of a claim that never was is a loss", async () => {
      await using scene = await open();
      const { id, token } = await scene.leasedJob();

      for (const wrong of [token - 1, token + 1]) {
        expect(await scene.settle({ id, token: wrong }, SUCCEED)).toEqual([{ id, token: wrong }]);
      }
      expect(await scene.state(id)).toBe("leased");
    });

    it("that contradicts the one that counted is a loss and changes nothing", async () => {
      await using scene = await open();
      const job = await scene.leasedJob();
      await scene.settle(job, SUCCEED);
      const before = await scene.job(job.id);

      for (const outcome of [FAIL_FOR_GOOD, CANCEL, failForRetry(1), HAND_BACK, LOSE_LEASE]) {
        expect(await scene.settle(job, outcome)).toEqual([{ id: job.id, token: job.token }]);
      }
      expect(await scene.job(job.id)).toEqual(before);
    });
  });

  describe("the same settlement once more", () => {
    for (const outcome of [
      SUCCEED,
      FAIL_FOR_GOOD,
      CANCEL,
      failForRetry(1),
      HAND_BACK,
      LOSE_LEASE,
    ]) {
      it(`is harmless and no loss after ${outcome.event}`, async () => {
        await using scene = await open();
        const job = await scene.leasedJob();
        await scene.settle(job, outcome);
        const before = await scene.job(job.id);
        scene.clock.advance(5);

        expect(await scene.settle(job, outcome)).toEqual([]);

        expect(await scene.job(job.id)).toEqual(before);
      });
    }

    it("is harmless in the same batch", async () => {
      await using scene = await open();
      const { id, token } = await scene.leasedJob();
      const settlement = { id, token, outcome: SUCCEED };

      expect(
        await scene.step(scene.store.settle([settlement, settlement], scene.deadline)),
      ).toEqual([]);
      expect(await scene.queue()).toMatchObject({ doneTotal: 1 });
    });

    it("is no loss when the retry it asked for has come due meanwhile", async () => {
      await using scene = await open();
      const job = await scene.leasedJob();
      await scene.settle(job, failForRetry(scene.clock.wallNow()));
      await scene.wake();

      expect(await scene.settle(job, failForRetry(scene.clock.wallNow()))).toEqual([]);
      expect(await scene.job(job.id)).toMatchObject({ state: "ready", attempt: 1 });
    });

    it("is no loss when the next attempt is already running, and leaves that alone", async () => {
      await using scene = await open();
      const first = await scene.leasedJob();
      await scene.settle(first, HAND_BACK);
      const second = await scene.claimOne();

      expect(await scene.settle(first, HAND_BACK)).toEqual([]);

      expect(await scene.job(first.id)).toMatchObject({ state: "leased", token: second.token });
    });

    it("is no loss when the loss it told of was the last one", async () => {
      await using scene = await open();
      const id = await scene.addJob();
      await loseTimes(scene, LOSSES_MAX);
      const job = await scene.claimOne();
      await scene.settle(job, LOSE_LEASE);

      expect(await scene.settle(job, LOSE_LEASE)).toEqual([]);
      expect(await scene.job(id)).toMatchObject({ state: "dead", losses: LOSSES_MAX + 1 });
    });
  });
}

async function loseTimes(scene: Scene, count: number): Promise<void> {
  for (let loss = 0; loss < count; loss++) await scene.settle(await scene.claimOne(), LOSE_LEASE);
}
