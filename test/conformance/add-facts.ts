import { describe, expect, it } from "vitest";
import { type OpenScene, SUCCEED } from "./scene.ts";

/** What `add` promises about ids, keys and what it stores. */
export function addFacts(open: OpenScene): void {
  describe("add", () => {
    it("stores a job with everything it was given", async () => {
      await using scene = await open();
      const shape = {
        priority: 7,
        runAt: scene.clock.wallNow() + 5,
        expireAt: scene.clock.wallNow() + 9,
      };
      const named = { key: "k", callerId: "mine", extra: '{"trace":"1"}' };

      const id = await scene.addJob({ ...shape, ...named }, '{"a":1}');

      expect(await scene.job(id)).toEqual({
        id,
        queue: "mail",
        task: "send",
        payload: '{"a":1}',
        ...shape,
        ...named,
        state: "scheduled",
        attempt: 0,
        losses: 0,
        token: 0,
        owner: null,
        leaseUntil: null,
        createdAt: scene.clock.wallNow(),
        claimedAt: null,
        settledAt: null,
        ...{ result: null, error: null, progress: null, note: null, awaits: null },
      });
    });

    it("makes a job ready at once when its runAt is null, now or past", async () => {
      await using scene = await open();
      const now = scene.clock.wallNow();

      const ids = [
        await scene.addJob({ runAt: null }),
        await scene.addJob({ runAt: now }),
        await scene.addJob({ runAt: now - 1 }),
      ];

      for (const id of ids) expect(await scene.state(id)).toBe("ready");
    });

    it("makes a job scheduled when its runAt is 1 ms away", async () => {
      await using scene = await open();

      const id = await scene.addJob({ runAt: scene.clock.wallNow() + 1 });

      expect(await scene.state(id)).toBe("scheduled");
    });

    it("answers every group, in order", async () => {
      await using scene = await open();
      const first = scene.group({ count: 2 });
      const repeated = { ...first, ids: first.ids.slice(1), payloads: ["{}"] };

      const answers = await scene.step(
        scene.store.add(
          [first, repeated, scene.group({ shape: { queue: "other" } })],
          scene.deadline,
        ),
      );

      expect(answers).toEqual(["added", [{ kind: "exists", id: first.ids[1] }], "added"]);
    });

    it("says added to a group of nothing", async () => {
      await using scene = await open();

      expect(await scene.addGroup({ ids: [], payloads: [] })).toBe("added");
    });

    it("keeps the unknown: __proto__ and other odd names stay what they are", async () => {
      await using scene = await open();
      const payload = '{"__proto__":{"admin":true},"constructor":1}';
      const odd = {
        queue: "__proto__",
        task: "constructor",
        key: "__proto__",
        callerId: "toString",
      };

      const id = await scene.addJob({ ...odd, extra: payload }, payload);

      expect(await scene.job(id)).toMatchObject({ ...odd, payload, extra: payload });
      expect(await scene.queue("__proto__")).toMatchObject({ counts: { ready: 1 } });
      expect(await scene.store.get(["toString"])).toMatchObject([{ id }]);
      expect(await scene.store.get(["__proto__"])).toEqual([]);
      const slot = { queue: "__proto__", tasks: ["constructor", "__proto__"] };
      expect(await scene.claim(slot)).toMatchObject([{ id, payload, extra: payload }]);
    });

    it("keeps unicode, quotes and line ends as they are", async () => {
      await using scene = await open();
      const text =
        'žluťoučký 🐎 \u{1F468}\u200D\u{1F469}\u200D\u{1F467} \u202E rtl "quoted" \'; DROP TABLE jobs; --\r\n\u2028';
      const payload = JSON.stringify(text);

      const id = await scene.addJob({ task: "šift 🐎", key: text, callerId: text }, payload);

      expect(await scene.job(id)).toMatchObject({
        payload,
        key: text,
        callerId: text,
        task: "šift 🐎",
      });
      expect(await scene.store.get([text])).toMatchObject([{ id }]);
    });

    it("tells names apart by case, by spaces and by what follows a NUL", async () => {
      await using scene = await open();

      const ids = [];
      for (const key of ["a", "A", "a ", "a\0b", "a\0c", "\u00e9", "e\u0301"]) {
        ids.push(await scene.addJob({ key, callerId: key }));
      }

      expect(new Set(ids).size).toBe(7);
      expect(await scene.store.get(["a\0c"])).toMatchObject([{ id: ids[4], key: "a\0c" }]);
    });

    it("keeps a payload of 256 KiB", async () => {
      await using scene = await open();
      const payload = JSON.stringify("x".repeat(262_142));

      const id = await scene.addJob({}, payload);

      expect((await scene.job(id)).payload).toBe(payload);
    });

    it("takes the largest number that is still whole", async () => {
      await using scene = await open();

      await scene.addGroup({ ids: [Number.MAX_SAFE_INTEGER], payloads: ["{}"] });

      expect(await scene.claimIds()).toEqual([Number.MAX_SAFE_INTEGER]);
    });

    it("rejects what has no payload for each id, and adds none of its groups", async () => {
      await using scene = await open();
      const wrong = { ...scene.group({ count: 2 }), payloads: ["{}"] };

      const outcome = await scene.step(
        scene.store.add([scene.group(), wrong], scene.deadline).then(
          () => "answered",
          () => "rejected",
        ),
      );

      expect(outcome).toBe("rejected");
      expect(await scene.list()).toEqual([]);
    });
  });

  describe("ids", () => {
    it("are never given twice", async () => {
      await using scene = await open();

      const firsts = await Promise.all(
        [3, 1, 1_048_576, 2].map((count) => scene.store.reserveIds(count, scene.deadline)),
      );

      const [a = 0, b = 0, c = 0, d = 0] = firsts.toSorted((x, y) => x - y);
      expect(a).toBeGreaterThan(0);
      expect(b - a).toBeGreaterThan(0);
      expect(new Set(firsts).size).toBe(4);
      const sizes = new Map(
        firsts.map((first, index) => [first, [3, 1, 1_048_576, 2][index] ?? 0]),
      );
      expect(a + (sizes.get(a) ?? 0)).toBeLessThanOrEqual(b);
      expect(b + (sizes.get(b) ?? 0)).toBeLessThanOrEqual(c);
      expect(c + (sizes.get(c) ?? 0)).toBeLessThanOrEqual(d);
    });

    it("repeated with the same task and payload name the job that is there", async () => {
      await using scene = await open();
      const id = await scene.addJob({}, "1");

      const answer = await scene.addGroup({ ids: [id], payloads: ["1"] });

      expect(answer).toEqual([{ kind: "exists", id }]);
      expect(await scene.list()).toEqual([id]);
    });

    it("repeated name the job that is there in every later state", async () => {
      await using scene = await open();
      const job = await scene.leasedJob();
      const again = { ids: [job.id], payloads: ["{}"] };

      expect(await scene.addGroup(again)).toEqual([{ kind: "exists", id: job.id }]);
      await scene.settle(job, SUCCEED);
      expect(await scene.addGroup(again)).toEqual([{ kind: "exists", id: job.id }]);
      expect(await scene.state(job.id)).toBe("done");
    });

    it("repeated with another payload or task are taken, and nothing changes", async () => {
      await using scene = await open();
      const id = await scene.addJob({ task: "send" }, "1");
      const taken = [{ kind: "taken", id, task: "send" }];

      expect(await scene.addGroup({ ids: [id], payloads: ["2"] })).toEqual(taken);
      expect(
        await scene.addGroup({ ids: [id], payloads: ["1"], shape: { task: "other" } }),
      ).toEqual(taken);
      expect(await scene.store.get([id])).toMatchObject([{ task: "send", payload: "1" }]);
      expect(await scene.list()).toEqual([id]);
    });

    it("repeated inside one group are one job", async () => {
      await using scene = await open();
      const id = scene.newId();

      const answer = await scene.addGroup({ ids: [id, id, id], payloads: ["1", "1", "2"] });

      expect(answer).toEqual([
        { kind: "added" },
        { kind: "exists", id },
        { kind: "taken", id, task: "send" },
      ]);
      expect(await scene.list()).toEqual([id]);
    });

    it("are looked at before the room: a repeat is answered by a full queue", async () => {
      await using scene = await open();
      const id = await scene.addJob();
      const again = { ids: [id], payloads: ["{}"], capacity: 1 };

      expect(await scene.addGroup(again)).toEqual([{ kind: "exists", id }]);
      expect(await scene.addGroup({ ...again, payloads: ["2"] })).toMatchObject([
        { kind: "taken" },
      ]);
    });
  });

  callerIdFacts(open);
  keyFacts(open);
}

function callerIdFacts(open: OpenScene): void {
  describe("a caller's id", () => {
    it("finds its job", async () => {
      await using scene = await open();
      const id = await scene.addJob({ callerId: "order-1" });
      const other = await scene.addJob();

      const found = await scene.store.get(["order-1", other, "nobody", 999_999_999]);

      expect(found.map((job) => job.id).toSorted((a, b) => a - b)).toEqual([id, other]);
    });

    it("repeated under a new number names the job that is there", async () => {
      await using scene = await open();
      const id = await scene.addJob({ callerId: "order-1" });

      expect(await scene.addGroup({ shape: { callerId: "order-1" } })).toEqual([
        { kind: "exists", id },
      ]);
    });

    it("repeated with another payload or task is taken", async () => {
      await using scene = await open();
      const id = await scene.addJob({ callerId: "order-1" }, "1");
      const taken = [{ kind: "taken", id, task: "send" }];

      expect(await scene.addGroup({ shape: { callerId: "order-1" }, payloads: ["2"] })).toEqual(
        taken,
      );
      const shape = { callerId: "order-1", task: "other", queue: "other" };
      expect(await scene.addGroup({ shape, payloads: ["1"] })).toEqual(taken);
    });

    it("names one job for as long as the row is there, and is free again after", async () => {
      await using scene = await open();
      const job = await scene.leasedJob({ callerId: "order-1" });
      await scene.settle(job, { ...SUCCEED, keepMs: 0 });

      expect(await scene.addGroup({ shape: { callerId: "order-1" } })).toEqual([
        { kind: "exists", id: job.id },
      ]);
      scene.clock.advance(60_000);
      await scene.prune();
      expect(await scene.addGroup({ shape: { callerId: "order-1" } })).toBe("added");
    });

    it("is looked at before the key and the room", async () => {
      await using scene = await open();
      const id = await scene.addJob({ callerId: "order-1" });
      await scene.addJob({ key: "k" });
      const shape = { callerId: "order-1", key: "k" };

      expect(await scene.addGroup({ shape, capacity: 1 })).toEqual([{ kind: "exists", id }]);
    });

    it("given to a group of several is the first one's", async () => {
      await using scene = await open();

      const answer = await scene.addGroup({ count: 2, shape: { callerId: "order-1" } });

      const [id] = await scene.list();
      expect(answer).toEqual([{ kind: "added" }, { kind: "exists", id }]);
    });

    it("goes to one of many who want it at once", async () => {
      await using scene = await open();
      const groups = Array.from({ length: 20 }, () =>
        scene.group({ shape: { callerId: "order-1" } }),
      );

      const answers = await scene.step(
        Promise.all(groups.map((group) => scene.store.add([group], scene.deadline))),
      );

      expect(answers.filter(([answer]) => answer === "added")).toHaveLength(1);
      expect(await scene.list()).toHaveLength(1);
    });
  });
}

function keyFacts(open: OpenScene): void {
  describe("a key", () => {
    it("admits one unfinished job and names it to the next", async () => {
      await using scene = await open();
      const id = await scene.addJob({ key: "user-1" });
      const exists = [{ kind: "exists", id }];

      expect(await scene.addGroup({ shape: { key: "user-1" }, payloads: ["other"] })).toEqual(
        exists,
      );
      const job = await scene.claimOne();
      expect(await scene.addGroup({ shape: { key: "user-1" } })).toEqual(exists);
      await scene.settle(job, {
        event: "failForRetry",
        error: "{}",
        runAt: scene.clock.wallNow() + 9,
      });
      expect(await scene.addGroup({ shape: { key: "user-1" } })).toEqual(exists);
    });

    it("is free again once its job is settled", async () => {
      await using scene = await open();
      await scene.settle(await scene.leasedJob({ key: "done" }), SUCCEED);
      await scene.cancel(await scene.addJob({ key: "cancelled" }));
      await scene.addJob({ key: "expired", expireAt: scene.clock.wallNow() });
      await scene.wake();

      for (const key of ["done", "cancelled", "expired"]) {
        expect(await scene.addGroup({ shape: { key } })).toBe("added");
      }
    });

    it("counts per task, over all queues", async () => {
      await using scene = await open();
      const id = await scene.addJob({ key: "user-1" });

      expect(await scene.addGroup({ shape: { key: "user-1", task: "other" } })).toBe("added");
      expect(await scene.addGroup({ shape: { key: "user-1", queue: "other" } })).toEqual([
        { kind: "exists", id },
      ]);
    });

    it("is looked at before the room", async () => {
      await using scene = await open();
      const id = await scene.addJob({ key: "user-1" });

      expect(await scene.addGroup({ shape: { key: "user-1" }, capacity: 1 })).toEqual([
        { kind: "exists", id },
      ]);
    });

    it("given to a group of several admits the first", async () => {
      await using scene = await open();

      const answer = await scene.addGroup({ count: 3, shape: { key: "k" }, atomic: true });

      const [id] = await scene.list();
      expect(answer).toEqual([{ kind: "added" }, { kind: "exists", id }, { kind: "exists", id }]);
    });

    it("goes to one of many who want it at once", async () => {
      await using scene = await open();
      const groups = Array.from({ length: 20 }, () => scene.group({ shape: { key: "k" } }));

      await scene.step(
        Promise.all(groups.map((group) => scene.store.add([group], scene.deadline))),
      );

      expect(await scene.list()).toHaveLength(1);
    });
  });
}
