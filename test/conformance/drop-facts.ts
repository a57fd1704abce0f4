import { describe, expect, it } from "vitest";
import { DROPS_MAX, KEEP_DROPPED_MS } from "../../src/core/limits.ts";
import type { JobNumber } from "../../src/core/job.ts";
import { failForRetry, type OpenScene, type Scene } from "./scene.ts";

const NEWEST = { overflow: "drop-newest" } as const;
const OLDEST = { overflow: "drop-oldest" } as const;

/** What the overflow policies drop, and what they leave alone. */
export function dropFacts(open: OpenScene): void {
  newestFacts(open);
  oldestFacts(open);
  atomicFacts(open);
  keepingFacts(open);
}

function newestFacts(open: OpenScene): void {
  describe("drop-newest", () => {
    it("stores a job that finds no room as dropped, and leaves those that wait", async () => {
      await using scene = await open();
      const ids = Array.from({ length: 3 }, () => scene.newId());

      const answer = await scene.addGroup({ ids, capacity: 1, ...NEWEST });

      const dropped = { kind: "dropped", capacity: 1 };
      expect(answer).toEqual([{ kind: "added" }, dropped, dropped]);
      expect(await scene.list({ states: ["ready"] })).toEqual(ids.slice(0, 1));
      expect(await scene.list({ states: ["dropped"] })).toEqual(ids.slice(1));
      expect(await scene.queue()).toMatchObject({ failedTotal: 2 });
      expect(await scene.claimIds()).toEqual(ids.slice(0, 1));
    });

    it("repeated with the same id stays what it was, also when there is room by then", async () => {
      await using scene = await open();
      await scene.addGroup({ capacity: 1 });
      const id = scene.newId();
      await scene.addGroup({ ids: [id], ...NEWEST });
      await scene.claimOne();

      const answer = await scene.addGroup({ ids: [id], ...NEWEST });

      expect(answer).toEqual([{ kind: "exists", id }]);
      expect(await scene.state(id)).toBe("dropped");
    });

    it("leaves a job alone that has the key already", async () => {
      await using scene = await open();
      const id = await scene.addJob({ key: "k" });

      const answer = await scene.addGroup({ shape: { key: "k" }, capacity: 1, ...NEWEST });

      expect(answer).toEqual([{ kind: "exists", id }]);
    });
  });
}

function oldestFacts(open: OpenScene): void {
  describe("drop-oldest", () => {
    it("drops the one that came first, and adds the new one in its place", async () => {
      await using scene = await open();
      const first = await scene.addJob();
      const second = await scene.addJob();
      const id = scene.newId();

      const answer = await scene.addGroup({ ids: [id], capacity: 2, ...OLDEST });

      expect(answer).toEqual([{ kind: "displaced", capacity: 2, dropped: [first] }]);
      expect(await scene.state(first)).toBe("dropped");
      expect(await scene.queue()).toMatchObject({ counts: { ready: 2 }, failedTotal: 1 });
      expect(await scene.claimIds()).toEqual([second, id]);
    });

    it("goes by arrival, whatever the task, the priority and the time at which it is due", async () => {
      await using scene = await open();
      const first = await scene.addJob({ priority: 0, task: "z" });
      const delayed = await scene.addJob({ runAt: scene.clock.wallNow() + 1_000 });
      const last = await scene.addJob({ priority: 9, task: "a" });

      await scene.addGroup({ count: 2, capacity: 3, ...OLDEST });

      expect(await scene.list({ states: ["dropped"] })).toEqual([first, delayed]);
      expect(await scene.state(last)).toBe("ready");
    });

    it("spares what somebody holds", async () => {
      await using scene = await open();
      const held = await scene.leasedJob();
      const waiting = await scene.addJob();

      await scene.addGroup({ capacity: 1, ...OLDEST });

      expect(await scene.state(held.id)).toBe("leased");
      expect(await scene.state(waiting)).toBe("dropped");
    });

    it("takes a job that waits for its retry off that count", async () => {
      await using scene = await open();
      const job = await scene.leasedJob();
      await scene.settle(job, failForRetry(scene.clock.wallNow() + 1_000));

      await scene.addGroup({ capacity: 1, ...OLDEST });

      expect(await scene.state(job.id)).toBe("dropped");
      expect(await scene.queue()).toMatchObject({ retryingCount: 0 });
    });

    it("leaves other queues alone", async () => {
      await using scene = await open();
      const other = await scene.addJob({ queue: "other" });
      await scene.addJob();

      await scene.addGroup({ capacity: 1, ...OLDEST });

      expect(await scene.state(other)).toBe("ready");
    });

    it("frees the key of the job that it drops", async () => {
      await using scene = await open();
      await scene.addJob({ key: "k" });
      await scene.addGroup({ capacity: 1, ...OLDEST });

      const answer = await scene.addGroup({ shape: { key: "k" }, ...OLDEST });

      expect(answer).toMatchObject([{ kind: "displaced" }]);
    });

    it("drops as many as wait too many where the capacity was lowered", async () => {
      await using scene = await open();
      const ids = await addMany(scene, 5);

      const answer = await scene.addGroup({ capacity: 2, ...OLDEST });

      expect(answer).toEqual([{ kind: "displaced", capacity: 2, dropped: ids.slice(0, 4) }]);
      expect(await scene.queue()).toMatchObject({ counts: { ready: 2, dropped: 4 } });
    });

    it("stays out where it would have to drop more than one call may", async () => {
      await using scene = await open();
      await addMany(scene, DROPS_MAX + 1);

      const answer = await scene.addGroup({ capacity: 1, ...OLDEST });

      expect(answer).toMatchObject([{ kind: "full", capacity: 1, hasConsumer: true }]);
      expect(await scene.queue()).toMatchObject({ counts: { ready: DROPS_MAX + 1, dropped: 0 } });
    });

    it("of one call that is larger than the queue leaves its last jobs", async () => {
      await using scene = await open();
      const ids = Array.from({ length: 4 }, () => scene.newId());

      await scene.addGroup({ ids, capacity: 2, ...OLDEST });

      expect(await scene.claimIds()).toEqual(ids.slice(2));
    });
  });

  describe.each([NEWEST, OLDEST])("without a consumer, $overflow", (policy) => {
    it("drops nothing, for nobody would ever take the new one", async () => {
      await using scene = await open();
      const waiting = await scene.addJob();
      await scene.store.leave(scene.owner, "it went", scene.deadline);

      const answer = await scene.addGroup({ capacity: 1, ...policy });

      expect(answer).toMatchObject([{ kind: "full", hasConsumer: false }]);
      expect(await scene.list()).toEqual([waiting]);
    });
  });
}

function atomicFacts(open: OpenScene): void {
  describe("an atomic group", () => {
    it("with drop-newest is dropped as a whole", async () => {
      await using scene = await open();
      const ids = Array.from({ length: 3 }, () => scene.newId());

      const answer = await scene.addGroup({ ids, capacity: 2, atomic: true, ...NEWEST });

      expect(answer).toEqual(ids.map(() => ({ kind: "dropped", capacity: 2 })));
      expect(await scene.queue()).toMatchObject({ counts: { ready: 0, dropped: 3 } });
    });

    it("with drop-oldest displaces as many as it needs", async () => {
      await using scene = await open();
      const [first, second, third] = await addMany(scene, 3);

      const answer = await scene.addGroup({ count: 2, capacity: 3, atomic: true, ...OLDEST });

      expect(answer).toMatchObject([{ dropped: [first] }, { dropped: [second] }]);
      expect((await scene.claimIds())[0]).toBe(third);
    });

    it("with drop-oldest that is larger than the queue stays out, and drops nothing", async () => {
      await using scene = await open();
      const ids = await addMany(scene, 2);

      const answer = await scene.addGroup({ count: 3, capacity: 2, atomic: true, ...OLDEST });

      expect(answer).toMatchObject([{ kind: "full" }, { kind: "full" }, { kind: "full" }]);
      expect(await scene.list({ states: ["ready"] })).toEqual(ids);
    });
  });
}

function keepingFacts(open: OpenScene): void {
  describe("a dropped job", () => {
    it("can be read for a minute, and then goes", async () => {
      await using scene = await open();
      const id = await scene.addJob();
      await scene.addGroup({ capacity: 1, ...OLDEST });
      scene.clock.advance(KEEP_DROPPED_MS - 1);
      await scene.prune();
      const stateBefore = await scene.state(id);

      scene.clock.advance(1);
      await scene.prune();

      expect(stateBefore).toBe("dropped");
      expect(await scene.state(id)).toBe("gone");
    });

    it("can be given another life meanwhile", async () => {
      await using scene = await open();
      const id = await scene.addJob();
      await scene.addGroup({ capacity: 1, ...OLDEST });

      expect(await scene.revive(id)).toEqual([id]);

      expect(await scene.claimIds()).toContain(id);
    });
  });
}

async function addMany(scene: Scene, count: number): Promise<readonly JobNumber[]> {
  const ids = Array.from({ length: count }, () => scene.newId());
  await scene.addGroup({ ids });
  return ids;
}
