import { describe, expect, it } from "vitest";
import type { ClaimedJob, JobNumber, Lease } from "../../src/core/job.ts";
import { WAIT_CHAIN_MAX } from "../../src/core/limits.ts";
import type { AwaitAnswer } from "../../src/store/store.ts";
import { HAND_BACK, LOSE_LEASE, type OpenScene, type Scene, SUCCEED } from "./scene.ts";

/** Attempts that wait for other jobs: which circles are found, and when a wait is over. */
export function waitFacts(open: OpenScene): void {
  describe("an attempt that waits for another job", () => {
    it("is answered with that job as it is", async () => {
      await using scene = await open();
      const parent = await scene.leasedJob();
      const child = await scene.addJob({ callerId: "mine" });

      const byNumber = await wait(scene, parent, child);
      const byCallerId = await wait(scene, parent, "mine");

      const answer = { kind: "noted", record: { id: child, state: "ready" } };
      expect(byNumber).toMatchObject(answer);
      expect(byCallerId).toMatchObject(answer);
    });

    it("is told when that job is settled already, or unknown", async () => {
      await using scene = await open();
      const settled = await scene.leasedJob();
      await scene.settle(settled, SUCCEED);
      const parent = await scene.leasedJob();

      expect(await wait(scene, parent, settled.id)).toMatchObject({ record: { state: "done" } });
      expect(await wait(scene, parent, scene.newId())).toEqual({ kind: "unknown" });
      expect(await wait(scene, parent, "nobody's")).toEqual({ kind: "unknown" });
    });

    it("must hold its lease", async () => {
      await using scene = await open();
      const parent = await scene.leasedJob();
      const child = await scene.addJob();
      await scene.settle(parent, LOSE_LEASE);

      expect(await wait(scene, parent, child)).toEqual({ kind: "lost" });
    });

    it("for itself is refused", async () => {
      await using scene = await open();
      const parent = await scene.leasedJob();

      expect(await wait(scene, parent, parent.id)).toEqual(circle(parent));
    });

    it("that waits for it by way of others is refused, with all of them in order", async () => {
      await using scene = await open();
      const [first, second, third] = await threeLeased(scene);
      await wait(scene, first, second.id);
      await wait(scene, second, third.id);

      const refused = await wait(scene, third, first.id);
      const other = await wait(scene, third, await scene.addJob());

      expect(refused).toEqual(circle(third, first, second));
      expect(other).toMatchObject({ kind: "noted" });
    });

    it("waits no more once it says so", async () => {
      await using scene = await open();
      const [first, second] = await threeLeased(scene);
      await wait(scene, first, second.id);

      await wait(scene, first, null);

      expect(await wait(scene, second, first.id)).toMatchObject({ kind: "noted" });
    });

    it("waits for the last of several", async () => {
      await using scene = await open();
      const [first, second, third] = await threeLeased(scene);
      await wait(scene, first, second.id);
      await wait(scene, first, third.id);

      expect(await wait(scene, second, first.id)).toMatchObject({ kind: "noted" });
      expect(await wait(scene, third, first.id)).toEqual(circle(third, first));
    });

    it("waits no more when it has ended, also when its job runs again", async () => {
      await using scene = await open();
      const [first, second] = await threeLeased(scene);
      await wait(scene, first, second.id);
      await scene.settle(first, HAND_BACK);
      const afterItsEnd = await wait(scene, second, first.id);
      await wait(scene, second, null);

      const again = await scene.claimOne();

      expect(again).toMatchObject({ id: first.id, token: 2 });
      expect(afterItsEnd).toMatchObject({ kind: "noted" });
      expect(await wait(scene, second, first.id)).toMatchObject({ kind: "noted" });
    });

    it(`is followed over ${WAIT_CHAIN_MAX} steps and no further`, async () => {
      await using scene = await open();
      for (let index = 0; index <= WAIT_CHAIN_MAX; index++) await scene.addJob();
      const jobs = await scene.claim({ limit: 1_000 });
      for (const [index, job] of jobs.entries()) {
        const next = jobs[index + 1];
        if (next !== undefined) await wait(scene, job, next.id);
      }
      const [first, second, last] = [jobs[0], jobs[1], jobs.at(-1)];
      if (first === undefined || second === undefined || last === undefined)
        throw new Error("jobs were claimed");

      expect(await wait(scene, last, second.id)).toMatchObject({ kind: "circle" });
      expect(await wait(scene, last, first.id)).toMatchObject({ kind: "noted" });
    });
  });

  describe("a claim of jobs by name", () => {
    it("takes those of them that are ready, and of its tasks, and nothing else", async () => {
      await using scene = await open();
      const first = await scene.addJob();
      await scene.addJob();
      const third = await scene.addJob();
      const drawn = await scene.addJob({ task: "draw" });
      const delayed = await scene.addJob({ runAt: scene.clock.wallNow() + 1_000 });
      const ids = [third, delayed, drawn, first, scene.newId()];

      expect(await scene.claimIds({ ids, limit: 10 })).toEqual([first, third]);
      expect(await scene.claimIds({ ids: [drawn], tasks: ["send", "draw"], limit: 10 })).toEqual([
        drawn,
      ]);
    });

    it("takes no more than its limit", async () => {
      await using scene = await open();
      const ids = [await scene.addJob(), await scene.addJob()];

      expect(await scene.claimIds({ ids, limit: 1 })).toEqual(ids.slice(0, 1));
    });

    it("is given no other job that comes with it", async () => {
      await using scene = await open();
      const group = scene.group();

      const [, claimed] = await scene.step(
        Promise.all([scene.store.add([group], scene.deadline), scene.claim({ ids: [77] })]),
      );

      expect(claimed).toEqual([]);
      expect(await scene.claimIds()).toEqual(group.ids);
    });
  });
}

function wait(
  scene: Scene,
  { id, token }: Lease,
  awaited: JobNumber | string | null,
): Promise<AwaitAnswer> {
  return scene.step(scene.store.awaitJob({ lease: { id, token }, awaited }, scene.deadline));
}

function circle(...jobs: readonly ClaimedJob[]): AwaitAnswer {
  return { kind: "circle", steps: jobs.map(({ id, task }) => ({ id, task })) };
}

async function threeLeased(scene: Scene): Promise<readonly [ClaimedJob, ClaimedJob, ClaimedJob]> {
  return [await scene.leasedJob(), await scene.leasedJob(), await scene.leasedJob()];
}
