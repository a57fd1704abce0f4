import { describe, expect, it } from "vitest";
import type { JobNumber, JobShape } from "../../src/core/job.ts";
import { SUSPECT_LOSSES } from "../../src/core/limits.ts";
import type { ReadySlot } from "../../src/store/store.ts";
import { anOwner, LOSE_LEASE, type OpenScene, type Scene } from "./scene.ts";

const ONLY = { suspects: "only" } as const;
const WITHOUT = { suspects: "without" } as const;

/** Jobs that were lost so often that they may be the cause, and who is given them. */
export function suspectFacts(open: OpenScene): void {
  describe("a suspect", () => {
    it("is a job from its second loss on: then only those claim it who want suspects", async () => {
      await using scene = await open();
      const once = await scene.addJob();
      await loseAll(scene, 1);
      const twice = await suspect(scene);

      expect(await scene.claimIds(WITHOUT)).toEqual([once]);
      expect(await scene.claimIds(ONLY)).toEqual([twice]);
    });

    it("is one too when its losses came with the death of its owners", async () => {
      await using scene = await open();
      const id = await scene.addJob();
      for (let loss = 0; loss < SUSPECT_LOSSES; loss++) {
        const owner = await scene.store.join(anOwner(), scene.deadline);
        await scene.claimOne(owner);
        await scene.wake({ deadOwners: [{ id: owner, reason: "killed" }] });
      }

      expect(await scene.claimIds(WITHOUT)).toEqual([]);
      expect(await scene.claim(ONLY)).toMatchObject([{ id, losses: SUSPECT_LOSSES }]);
    });

    it("stays one with each further loss", async () => {
      await using scene = await open();
      const id = await suspect(scene);
      await loseAll(scene, 2);

      expect(await scene.claimIds(WITHOUT)).toEqual([]);
      expect(await scene.claimIds(ONLY)).toEqual([id]);
    });

    it("comes after all others, whatever its priority, for those who want all", async () => {
      await using scene = await open();
      const suspected = await suspect(scene, { priority: 0 });
      const last = await scene.addJob({ priority: 9 });

      expect(await scene.claimIds()).toEqual([last, suspected]);
    });

    it("comes by priority and arrival among suspects, also of several tasks", async () => {
      await using scene = await open();
      const late = await scene.addJob({ priority: 5 });
      const first = await scene.addJob({ priority: 1, task: "draw" });
      const second = await scene.addJob({ priority: 1 });
      await loseAll(scene, SUSPECT_LOSSES);

      expect(await scene.claimIds({ ...ONLY, tasks: ["send", "draw"] })).toEqual([
        first,
        second,
        late,
      ]);
    });

    it("shows the priority that it was given", async () => {
      await using scene = await open();
      const id = await suspect(scene, { priority: 7 });

      expect(await scene.job(id)).toMatchObject({ priority: 7, losses: SUSPECT_LOSSES });
    });

    it("that is retried by an operator is none any more, and has its priority", async () => {
      await using scene = await open();
      const id = await suspect(scene, { priority: 3 });
      const other = await scene.addJob({ priority: 4 });
      await scene.cancel(id);

      await scene.revive(id);

      expect(await scene.job(id)).toMatchObject({ priority: 3, losses: 0 });
      expect(await scene.claimIds(WITHOUT)).toEqual([id, other]);
    });

    it("is dropped like any other job when it is the oldest", async () => {
      await using scene = await open();
      const id = await suspect(scene);

      await scene.addGroup({ capacity: 1, overflow: "drop-oldest" });

      expect(await scene.state(id)).toBe("dropped");
    });
  });

  describe("a count of what a claim would lease", () => {
    const slot = { queue: "mail", tasks: ["send", "draw"], limit: 10 } as const;

    it("tells suspects from others, over several tasks, and leases none of them", async () => {
      await using scene = await open();
      await scene.addJob();
      await scene.addJob({ task: "draw" });
      await loseAll(scene, SUSPECT_LOSSES);
      await scene.addJob();
      const count = (which: Partial<ReadySlot>): Promise<number> =>
        scene.store.countClaimable([{ ...slot, ...which }]);

      expect(await count(ONLY)).toBe(2);
      expect(await count(WITHOUT)).toBe(1);
      expect(await count({})).toBe(3);
      expect(await count({ tasks: ["send", "send"] })).toBe(2);
      expect(await scene.claimIds(ONLY)).toHaveLength(1);
    });

    it("goes to the limit of each slot, and knows no queue or task that has no jobs", async () => {
      await using scene = await open();
      for (let n = 0; n < 3; n++) await scene.addJob();
      const unknown = { ...slot, queue: "nowhere" };
      const slots = [{ ...slot, limit: 2 }, unknown, { ...slot, tasks: ["nothing"] }];

      expect(await scene.store.countClaimable(slots)).toBe(2);
    });

    it("is 0 for a queue that is paused", async () => {
      await using scene = await open();
      await scene.addJob();
      await scene.step(scene.store.setPaused("mail", true, scene.deadline));

      expect(await scene.store.countClaimable([slot])).toBe(0);
    });
  });

  describe("a new job", () => {
    it("is not for those who want suspects only, also when both come at once", async () => {
      await using scene = await open();
      const group = scene.group();

      const [, claimed] = await scene.step(
        Promise.all([scene.store.add([group], scene.deadline), scene.claim({ ...ONLY })]),
      );

      expect(claimed).toEqual([]);
      expect(await scene.claimIds(WITHOUT)).toEqual(group.ids);
    });

    it("is claimed at once by those who want no suspects, also while some wait", async () => {
      await using scene = await open();
      await suspect(scene);
      const group = scene.group();

      const [, claimed] = await scene.step(
        Promise.all([scene.store.add([group], scene.deadline), scene.claim(WITHOUT)]),
      );

      expect(claimed.map(({ id }) => id)).toEqual(group.ids);
    });
  });
}

/** A job that has been lost as often as it takes. */
async function suspect(scene: Scene, shape: Partial<JobShape> = {}): Promise<JobNumber> {
  const id = await scene.addJob(shape);
  for (let loss = 0; loss < SUSPECT_LOSSES; loss++) {
    const jobs = await scene.claim({ limit: 1_000 });
    const settlements = jobs.map((job) => ({
      id: job.id,
      token: job.token,
      outcome: job.id === id ? LOSE_LEASE : ({ event: "handBack" } as const),
    }));
    await scene.step(scene.store.settle(settlements, scene.deadline));
  }
  return id;
}

/** Loses all jobs that are ready, so many times. */
async function loseAll(scene: Scene, times: number): Promise<void> {
  for (let loss = 0; loss < times; loss++) {
    const jobs = await scene.claim({ tasks: ["send", "draw"], limit: 1_000 });
    for (const job of jobs) await scene.settle(job, LOSE_LEASE);
  }
}
