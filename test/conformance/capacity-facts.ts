import { describe, expect, it } from "vitest";
import { isUnjamError } from "../../src/core/errors.ts";
import {
  CONSUMER_GONE_MS,
  QUEUE_CAPACITY_DEFAULT,
  QUEUE_COUNT_MAX,
} from "../../src/core/limits.ts";
import { anOwner, failForRetry, HAND_BACK, LOSE_LEASE, type OpenScene } from "./scene.ts";

/** What a queue's capacity means, and what a refused caller is told. */
export function capacityFacts(open: OpenScene): void {
  describe("capacity", () => {
    it("admits exactly as many waiting jobs as it says, in order", async () => {
      await using scene = await open();
      const ids = Array.from({ length: 4 }, () => scene.newId());

      const answer = await scene.addGroup({ ids, capacity: 2 });

      expect(answer).toMatchObject([
        { kind: "added" },
        { kind: "added" },
        { kind: "full", capacity: 2 },
        { kind: "full", capacity: 2 },
      ]);
      expect(await scene.list()).toEqual(ids.slice(0, 2));
    });

    it("counts scheduled jobs", async () => {
      await using scene = await open();
      await scene.addGroup({ capacity: 1, shape: { runAt: scene.clock.wallNow() + 1_000 } });

      expect(await scene.addGroup({})).toMatchObject([{ kind: "full" }]);
    });

    it("does not count leased and settled jobs", async () => {
      await using scene = await open();
      await scene.addGroup({ capacity: 1 });
      await scene.claimOne();

      expect(await scene.addGroup({})).toBe("added");
      await scene.cancel(...(await scene.list({ states: ["ready"] })));
      expect(await scene.addGroup({})).toBe("added");
    });

    it("is the default until somebody says another, and then stays what was said last", async () => {
      await using scene = await open();
      await scene.addJob();
      expect(await scene.queue()).toMatchObject({ capacity: QUEUE_CAPACITY_DEFAULT });

      await scene.addGroup({ capacity: 5 });
      await scene.addGroup({ capacity: null });

      expect(await scene.queue()).toMatchObject({ capacity: 5, counts: { ready: 3 } });
    });

    it("is each queue's own", async () => {
      await using scene = await open();
      await scene.addGroup({ capacity: 1 });

      expect(await scene.addGroup({ shape: { queue: "other" } })).toBe("added");
    });

    it("lowered below what waits refuses the next and drops none", async () => {
      await using scene = await open();
      await scene.addGroup({ count: 3 });

      expect(await scene.addGroup({ capacity: 1 })).toMatchObject([{ kind: "full", capacity: 1 }]);
      expect(await scene.queue()).toMatchObject({ capacity: 1, counts: { ready: 3 } });
    });

    it("never holds back a retry, a lost lease or a job that is handed back", async () => {
      await using scene = await open();
      await scene.addGroup({ count: 3, capacity: 3 });
      const [retried, lost, back] = await scene.claim({ limit: 3 });
      await scene.addGroup({ count: 3 });
      if (retried === undefined || lost === undefined || back === undefined)
        throw new Error("three jobs");

      await scene.settle(retried, failForRetry(scene.clock.wallNow() + 10));
      await scene.settle(lost, LOSE_LEASE);
      await scene.settle(back, HAND_BACK);

      expect(await scene.queue()).toMatchObject({ counts: { scheduled: 1, ready: 5 } });
      expect(await scene.addGroup({})).toMatchObject([{ kind: "full" }]);
      await scene.claim({ limit: 3 });
      expect(await scene.addGroup({})).toMatchObject([{ kind: "full" }]);
      await scene.claim();
      expect(await scene.addGroup({})).toBe("added");
    });

    it("is not overshot by many who add at once", async () => {
      await using scene = await open();
      const groups = Array.from({ length: 30 }, () => scene.group({ capacity: 10 }));

      const answers = await scene.step(
        Promise.all(groups.map((group) => scene.store.add([group], scene.deadline))),
      );

      expect(answers.filter(([answer]) => answer === "added")).toHaveLength(10);
      expect(await scene.queue()).toMatchObject({ counts: { ready: 10 } });
    });
  });

  atomicFacts(open);
  consumerFacts(open);
  queueCountFacts(open);
}

function atomicFacts(open: OpenScene): void {
  describe("an atomic group", () => {
    it("goes in whole when it just fits", async () => {
      await using scene = await open();

      expect(await scene.addGroup({ count: 3, capacity: 3, atomic: true })).toBe("added");
    });

    it("stays out whole when one job too many is in it, and is told so for each job", async () => {
      await using scene = await open();

      const answer = await scene.addGroup({ count: 3, capacity: 2, atomic: true });

      expect(answer).toMatchObject([{ kind: "full" }, { kind: "full" }, { kind: "full" }]);
      expect(await scene.list()).toEqual([]);
    });

    it("stays out whole when one of its ids is taken, and leaves the ids free", async () => {
      await using scene = await open();
      const takenId = await scene.addJob({}, "1");
      const id = scene.newId();

      const answer = await scene.addGroup({
        ids: [id, takenId],
        payloads: ["{}", "2"],
        atomic: true,
      });

      expect(answer).toContainEqual({ kind: "taken", id: takenId, task: "send" });
      expect(answer).not.toContainEqual({ kind: "added" });
      expect(await scene.list()).toEqual([takenId]);
      expect(await scene.addGroup({ ids: [id] })).toBe("added");
    });

    it("stays out whole when it contradicts itself", async () => {
      await using scene = await open();
      const id = scene.newId();

      const answer = await scene.addGroup({ ids: [id, id], payloads: ["1", "2"], atomic: true });

      expect(answer).toContainEqual({ kind: "taken", id, task: "send" });
      expect(await scene.list()).toEqual([]);
    });

    it("sent again adds what is missing and nothing twice", async () => {
      await using scene = await open();
      const ids = Array.from({ length: 3 }, () => scene.newId());
      await scene.addGroup({ ids: ids.slice(0, 1), atomic: true });

      const answer = await scene.addGroup({ ids, atomic: true });

      expect(answer).toEqual([
        { kind: "exists", id: ids[0] },
        { kind: "added" },
        { kind: "added" },
      ]);
      expect(await scene.addGroup({ ids, atomic: true })).toEqual(
        ids.map((id) => ({ kind: "exists", id })),
      );
      expect(await scene.list()).toEqual(ids);
    });

    it("that stays out does not touch its neighbours in the same call", async () => {
      await using scene = await open();
      const before = scene.group({ count: 2, capacity: 4 });
      const tooLarge = scene.group({ count: 3, atomic: true });
      const fits = scene.group({ count: 1, atomic: true });
      const after = scene.group({ count: 2 });

      const answers = await scene.step(
        scene.store.add([before, tooLarge, fits, after], scene.deadline),
      );

      expect(answers).toMatchObject([
        "added",
        [{ kind: "full" }, { kind: "full" }, { kind: "full" }],
        "added",
        [{ kind: "added" }, { kind: "full" }],
      ]);
      expect(await scene.list()).toEqual([...before.ids, ...fits.ids, ...after.ids.slice(0, 1)]);
      expect(await scene.claimIds()).toEqual([
        ...before.ids,
        ...fits.ids,
        ...after.ids.slice(0, 1),
      ]);
    });

    it("that stays out leaves no trace in the order of arrival", async () => {
      await using scene = await open();
      const before = await scene.addJob();
      await scene.addGroup({ count: 2, capacity: 2, atomic: true });
      const after = await scene.addJob();

      expect(await scene.claimIds()).toEqual([before, after]);
    });

    it("of 10,000 jobs is one call", async () => {
      await using scene = await open();

      expect(await scene.addGroup({ count: 10_000, atomic: true })).toBe("added");
      expect(await scene.queue()).toMatchObject({ counts: { ready: 10_000 } });
    });
  });
}

function consumerFacts(open: OpenScene): void {
  describe("a full queue", () => {
    it("says that it has a consumer while one lives", async () => {
      await using scene = await open();
      await scene.addGroup({ capacity: 1 });
      scene.clock.advance(CONSUMER_GONE_MS - 1);

      expect(await scene.addGroup({})).toEqual([
        { kind: "full", capacity: 1, hasConsumer: true, lastConsumer: null },
      ]);
    });

    it("says who stopped beating, and for how long, once it is gone", async () => {
      await using scene = await open();
      await scene.addGroup({ capacity: 1 });
      scene.clock.advance(CONSUMER_GONE_MS);

      expect(await scene.addGroup({})).toMatchObject([
        {
          kind: "full",
          hasConsumer: false,
          lastConsumer: { worker: "worker", goneMs: CONSUMER_GONE_MS },
        },
      ]);
      await scene.step(scene.store.beat(scene.owner, scene.deadline));
      expect(await scene.addGroup({})).toMatchObject([{ kind: "full", hasConsumer: true }]);
    });

    it("says who left, and why, at once", async () => {
      await using scene = await open();
      await scene.addGroup({ capacity: 1 });

      await scene.step(scene.store.leave(scene.owner, "deployed", scene.deadline));

      expect(await scene.addGroup({})).toMatchObject([
        { hasConsumer: false, lastConsumer: { worker: "worker", reason: "deployed", goneMs: 0 } },
      ]);
    });

    it("says who withdrew from it, why and when, and is none of a consumer's other queues", async () => {
      await using scene = await open();
      const queues = ["mail", "text"];
      await scene.step(scene.store.leave(scene.owner, "deployed", scene.deadline));
      const id = await scene.store.join(anOwner({ label: "frail", queues }), scene.deadline);
      await scene.addGroup({ capacity: 1 });
      await scene.addGroup({ capacity: 1, shape: { queue: "text" } });
      const from = { queues: ["mail"], reason: "out of threads" };

      await scene.step(scene.store.withdraw(id, from, scene.deadline));
      scene.clock.advance(7);

      expect(await scene.addGroup({})).toMatchObject([
        {
          hasConsumer: false,
          lastConsumer: { worker: "frail", reason: "out of threads", goneMs: 7 },
        },
      ]);
      expect(await scene.addGroup({ shape: { queue: "text" } })).toMatchObject([
        { hasConsumer: true },
      ]);
    });

    it("remembers its last consumer, whoever comes and goes meanwhile", async () => {
      await using scene = await open();
      await scene.addGroup({ capacity: 1 });
      await scene.step(scene.store.leave(scene.owner, "deployed", scene.deadline));
      for (let round = 0; round < 250; round++) {
        scene.clock.advance(1);
        const queues = round % 2 === 0 ? [] : ["text"];
        const id = await scene.store.join(anOwner({ queues }), scene.deadline);
        await scene.store.leave(id, "one shot", scene.deadline);
      }

      expect(await scene.addGroup({})).toMatchObject([
        { lastConsumer: { worker: "worker", reason: "deployed" } },
      ]);
    });

    it("has nobody when it never had anybody", async () => {
      await using scene = await open();
      const full = { kind: "full", capacity: 1, hasConsumer: false, lastConsumer: null };

      expect(await scene.addGroup({ count: 2, capacity: 1, shape: { queue: "other" } })).toEqual([
        { kind: "added" },
        full,
      ]);
    });

    it("counts a consumer of a paused queue", async () => {
      await using scene = await open();
      await scene.step(scene.store.setPaused("mail", true, scene.deadline));

      expect(await scene.addGroup({ count: 2, capacity: 1 })).toMatchObject([
        { kind: "added" },
        { kind: "full", hasConsumer: true },
      ]);
    });

    it("has a consumer while one of several is left", async () => {
      await using scene = await open();
      const other = await scene.store.join(
        anOwner({ label: "other", queues: ["x", "mail"] }),
        scene.deadline,
      );
      await scene.step(scene.store.leave(scene.owner, "done", scene.deadline));

      expect(await scene.addGroup({ count: 2, capacity: 1 })).toMatchObject([
        {},
        { hasConsumer: true },
      ]);
      await scene.step(scene.store.leave(other, "done too", scene.deadline));
      expect(await scene.addGroup({})).toMatchObject([{ hasConsumer: false }]);
    });
  });
}

function queueCountFacts(open: OpenScene): void {
  describe("the number of queues", () => {
    it("ends at its limit: the next new queue is refused, the known ones go on", async () => {
      await using scene = await open();
      const groups = Array.from({ length: QUEUE_COUNT_MAX }, (_, index) =>
        scene.group({ shape: { queue: `q${index}` } }),
      );
      await scene.step(scene.store.add(groups, scene.deadline));

      expect(await scene.addGroup({ count: 2, shape: { queue: "one-more" } })).toEqual([
        { kind: "tooManyQueues" },
        { kind: "tooManyQueues" },
      ]);
      expect(await scene.addGroup({ shape: { queue: "q7" } })).toBe("added");
      const paused = await scene.store
        .setPaused("one-more", true, scene.deadline)
        .catch((error: unknown) => error);
      expect(isUnjamError(paused, "UNJAM_TOO_MANY_QUEUES")).toBe(true);
      expect(await scene.store.queues()).toHaveLength(QUEUE_COUNT_MAX);
    });
  });
}
