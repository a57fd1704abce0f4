import { describe, expect, it } from "vitest";
import { LEASE_MS } from "../../src/core/limits.ts";
import type { ClaimedJob } from "../../src/core/job.ts";
import { failForRetry, HAND_BACK, LOSE_LEASE, type OpenScene } from "./scene.ts";

/** What `claim` gives, to whom, and in which order. */
export function claimFacts(open: OpenScene): void {
  describe("claim", () => {
    it("gives what an attempt needs", async () => {
      await using scene = await open();
      const id = await scene.addJob({ extra: '{"x":1}' }, '{"a":1}');

      expect(await scene.claim()).toEqual([
        {
          id,
          token: 1,
          queue: "mail",
          task: "send",
          payload: '{"a":1}',
          attempt: 0,
          losses: 0,
          extra: '{"x":1}',
        },
      ]);
    });

    it("leases the job to its owner until LEASE_MS from now, by the monotonic clock", async () => {
      await using scene = await open();
      const job = await scene.leasedJob();

      expect(await scene.job(job.id)).toMatchObject({
        state: "leased",
        token: 1,
        owner: scene.owner,
        attempt: 0,
        leaseUntil: scene.clock.now() + LEASE_MS,
        claimedAt: scene.clock.wallNow(),
      });
    });

    it("gives a job to one of many workers only", async () => {
      await using scene = await open();
      const ids = await addMany(scene, 5);
      const slots = [{ queue: "mail", tasks: ["send"], limit: 2 }];
      const claims = Array.from({ length: 10 }, () =>
        scene.store.claim({ owner: scene.owner, slots }, scene.deadline),
      );

      const given = await scene.step(Promise.all(claims));

      expect(given.flat().map(({ id }) => id)).toEqual(ids);
    });

    it("raises the token with each claim of a job", async () => {
      await using scene = await open();
      await scene.addJob();

      const tokens: number[] = [];
      for (let round = 0; round < 3; round++) {
        const job = await scene.claimOne();
        tokens.push(job.token);
        await scene.settle(job, HAND_BACK);
      }

      expect(tokens).toEqual([1, 2, 3]);
    });

    it("gives at most the limit of each slot, and nothing for a limit of 0", async () => {
      await using scene = await open();
      await addMany(scene, 5);

      expect(await scene.claimIds({ limit: 0 })).toEqual([]);
      expect(await scene.claimIds({ limit: 3 })).toHaveLength(3);
      expect(await scene.claimIds({ limit: 3 })).toHaveLength(2);
      expect(await scene.claimIds({ limit: 3 })).toEqual([]);
    });

    it("gives only the tasks and the queue that were asked for", async () => {
      await using scene = await open();
      await scene.addJob({ task: "other" });
      await scene.addJob({ queue: "other" });
      const id = await scene.addJob();

      expect(await scene.claimIds()).toEqual([id]);
      expect(await scene.claimIds({ tasks: [] })).toEqual([]);
      expect(await scene.claimIds({ tasks: ["nobody"] })).toEqual([]);
      expect(await scene.claimIds({ queue: "nowhere" })).toEqual([]);
    });

    it("fills several slots in one call", async () => {
      await using scene = await open();
      const mail = await addMany(scene, 3);
      const other = await scene.addJob({ queue: "other", task: "x" });
      const slots = [
        { queue: "mail", tasks: ["send"], limit: 2 },
        { queue: "other", tasks: ["x", "send"], limit: 5 },
        { queue: "mail", tasks: ["send"], limit: 5 },
      ];

      const claimed = await scene.step(
        scene.store.claim({ owner: scene.owner, slots }, scene.deadline),
      );

      expect(claimed.map(({ id }) => id).toSorted((a, b) => a - b)).toEqual([...mail, other]);
    });

    it("gives nothing of a scheduled, leased or settled job", async () => {
      await using scene = await open();
      await scene.leasedJob();
      await scene.addJob({ runAt: scene.clock.wallNow() + 1 });
      await scene.cancel(await scene.addJob());

      expect(await scene.claimIds()).toEqual([]);
    });

    it("clears the progress and the note of the attempt before", async () => {
      await using scene = await open();
      const first = await scene.leasedJob();
      await scene.renew(first, { progress: 0.5, note: "half" });
      await scene.settle(first, LOSE_LEASE);

      await scene.claimOne();

      expect(await scene.job(first.id)).toMatchObject({ progress: null, note: null });
    });
  });

  orderFacts(open);
  pauseFacts(open);
}

function orderFacts(open: OpenScene): void {
  describe("the order of claims", () => {
    it("is the order of arrival within a queue and task, whatever the numbers", async () => {
      await using scene = await open();
      const ids = Array.from({ length: 6 }, () => scene.newId()).toReversed();
      for (const id of ids) await scene.addGroup({ ids: [id] });

      expect(await scene.claimIds({ limit: 2 })).toEqual(ids.slice(0, 2));
      expect(await scene.claimIds()).toEqual(ids.slice(2));
    });

    it("puts each of the 10 priorities before the next", async () => {
      await using scene = await open();
      const added: { readonly id: number; readonly priority: number }[] = [];
      for (const priority of [9, 3, 0, 7, 5, 1, 8, 2, 6, 4, 3, 0]) {
        added.push({ priority, id: await scene.addJob({ priority }) });
      }

      // toSorted is stable: jobs of one priority keep their order.
      const expected = added.toSorted((a, b) => a.priority - b.priority).map(({ id }) => id);
      expect(await scene.claimIds({ limit: 5 })).toEqual(expected.slice(0, 5));
      expect(await scene.claimIds()).toEqual(expected.slice(5));
    });

    it("holds across the tasks of one slot as far as priorities go", async () => {
      await using scene = await open();
      const low = await scene.addJob({ task: "a", priority: 5 });
      const high = await scene.addJob({ task: "b", priority: 1 });

      expect(await scene.claimIds({ tasks: ["a", "b"] })).toEqual([high, low]);
    });

    it("gives each task of a slot its own order", async () => {
      await using scene = await open();
      const tasks = ["a", "b", "a", "c", "b", "a"];
      const added: { readonly id: number; readonly task: string }[] = [];
      for (const task of tasks) added.push({ task, id: await scene.addJob({ task }) });

      const claimed = await scene.claim({ tasks: ["c", "b", "a"], limit: 10 });

      for (const task of ["a", "b", "c"]) {
        expect(idsOf(claimed, task)).toEqual(
          added.filter((job) => job.task === task).map(({ id }) => id),
        );
      }
    });

    it("puts a job that is handed back into its old place", async () => {
      await using scene = await open();
      const [first = 0, second = 0, third = 0] = await addMany(scene, 3);
      const claimed = await scene.claim({ limit: 2 });

      for (const job of claimed.toReversed()) await scene.settle(job, HAND_BACK);

      expect(await scene.claimIds()).toEqual([first, second, third]);
    });

    it("puts lost, due and revived jobs where they arrived", async () => {
      await using scene = await open();
      const scheduled = await scene.addJob({ runAt: scene.clock.wallNow() + 5 });
      const [lost = 0, retried = 0, cancelled = 0, untouched = 0] = await addMany(scene, 4);
      const [a, b] = await scene.claim({ limit: 2 });
      if (a === undefined || b === undefined) throw new Error("two jobs were ready");
      await scene.cancel(cancelled);
      await scene.revive(cancelled);
      await scene.settle(b, failForRetry(scene.clock.wallNow() + 5));
      await scene.settle(a, LOSE_LEASE);
      scene.clock.advance(5);
      await scene.wake();

      expect(await scene.claimIds()).toEqual([scheduled, lost, retried, cancelled, untouched]);
    });
  });
}

function pauseFacts(open: OpenScene): void {
  describe("a paused queue", () => {
    it("gives nothing until it is resumed, and takes jobs meanwhile", async () => {
      await using scene = await open();
      const before = await scene.addJob();
      await scene.step(scene.store.setPaused("mail", true, scene.deadline));
      const after = await scene.addJob();

      expect(await scene.claimIds()).toEqual([]);
      expect(await scene.queue()).toMatchObject({ paused: true, counts: { ready: 2 } });
      await scene.step(scene.store.setPaused("mail", false, scene.deadline));
      expect(await scene.queue()).toMatchObject({ paused: false });
      expect(await scene.claimIds()).toEqual([before, after]);
    });

    it("does not disturb the others", async () => {
      await using scene = await open();
      await scene.step(scene.store.setPaused("mail", true, scene.deadline));
      const id = await scene.addJob({ queue: "other" });

      expect(await scene.claimIds({ queue: "other" })).toEqual([id]);
    });

    it("lets running attempts renew and settle", async () => {
      await using scene = await open();
      const job = await scene.leasedJob();
      await scene.step(scene.store.setPaused("mail", true, scene.deadline));

      expect(await scene.renew(job)).toEqual([]);
      expect(await scene.settle(job, HAND_BACK)).toEqual([]);
      expect(await scene.claimIds()).toEqual([]);
    });

    it("is made if it is new, and stays paused when its first job comes", async () => {
      await using scene = await open();

      await scene.step(scene.store.setPaused("later", true, scene.deadline));

      expect(await scene.queue("later")).toMatchObject({ paused: true, counts: { ready: 0 } });
      await scene.addJob({ queue: "later" });
      expect(await scene.claimIds({ queue: "later" })).toEqual([]);
    });
  });
}

async function addMany(
  scene: Awaited<ReturnType<OpenScene>>,
  count: number,
): Promise<readonly number[]> {
  const ids = Array.from({ length: count }, () => scene.newId());
  await scene.addGroup({ ids });
  return ids;
}

function idsOf(claimed: readonly ClaimedJob[], task: string): readonly number[] {
  return claimed.filter((job) => job.task === task).map(({ id }) => id);
}
