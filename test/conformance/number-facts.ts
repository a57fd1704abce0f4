import { describe, expect, it } from "vitest";
import { formatJobId } from "../../src/core/job-id.ts";
import type { JobNumber } from "../../src/core/job.ts";
import type { AddAnswer } from "../../src/store/store.ts";
import { type OpenScene, type Scene, SUCCEED } from "./scene.ts";

const NUMBER_TAKEN = { kind: "numberTaken" };

/** Adds a job whose caller wrote this number as its id. */
function addGiven(
  scene: Scene,
  id: JobNumber,
  { payload = "{}", task = "send" }: { readonly payload?: string; readonly task?: string } = {},
): Promise<AddAnswer> {
  const shape = { callerId: formatJobId(id), task };
  return scene.addGroup({ ids: [id], payloads: [payload], shape });
}

/** What `add` promises about numbers that a caller wrote as an id of ours. */
export function numberFacts(open: OpenScene): void {
  describe("a number that a caller wrote as an id", () => {
    it("is its job's number and id, and found by both", async () => {
      await using scene = await open();
      const id = scene.newId();

      expect(await addGiven(scene, id)).toBe("added");

      expect(await scene.job(id)).toMatchObject({ id, callerId: formatJobId(id) });
      expect(await scene.store.get([formatJobId(id)])).toMatchObject([{ id }]);
    });

    it("repeats the job that it was drawn for", async () => {
      await using scene = await open();
      const id = await scene.addJob({}, "1");

      expect(await addGiven(scene, id, { payload: "1" })).toEqual([{ kind: "exists", id }]);
      expect(await scene.list()).toEqual([id]);
      expect(await scene.job(id)).toMatchObject({ callerId: null });
    });

    it("repeats the job that was added with it", async () => {
      await using scene = await open();
      const id = scene.newId();
      await addGiven(scene, id, { payload: "1" });

      expect(await addGiven(scene, id, { payload: "1" })).toEqual([{ kind: "exists", id }]);
      expect(await scene.list()).toEqual([id]);
    });

    it.each([
      ["another payload", "2", "send"],
      ["another task", "1", "other"],
    ])("with %s is taken, drawn or not, and nothing changes", async (_what, payload, task) => {
      await using scene = await open();
      const drawn = await scene.addJob({}, "1");
      const written = scene.newId();
      await addGiven(scene, written, { payload: "1" });

      for (const id of [drawn, written]) {
        expect(await addGiven(scene, id, { payload, task })).toEqual([
          { kind: "taken", id, task: "send" },
        ]);
        expect(await scene.job(id)).toMatchObject({ task: "send", payload: "1" });
      }
    });

    it("is free again once its row is pruned", async () => {
      await using scene = await open();
      const id = scene.newId();
      await addGiven(scene, id);
      await scene.settle(await scene.claimOne(), { ...SUCCEED, keepMs: 0 });
      scene.clock.advance(60_000);
      await scene.prune();

      expect(await addGiven(scene, id, { payload: "2", task: "other" })).toBe("added");
      expect(await scene.job(id)).toMatchObject({ task: "other", payload: "2", state: "ready" });
    });

    it("is looked at before the room, and waits in no line", async () => {
      await using scene = await open();
      const id = scene.newId();
      await addGiven(scene, id);
      const shape = { callerId: formatJobId(id) };

      const answer = await scene.addGroup({ ids: [id], shape, capacity: 1 });

      expect(answer).toEqual([{ kind: "exists", id }]);
    });
  });

  drawnFacts(open);
}

function drawnFacts(open: OpenScene): void {
  describe("a number that is drawn when a caller's job has it", () => {
    it("is refused as such, with the same task and payload too", async () => {
      await using scene = await open();
      const id = scene.newId();
      await addGiven(scene, id, { payload: "1" });

      for (const payload of ["1", "2"]) {
        expect(await scene.addGroup({ ids: [id], payloads: [payload] })).toEqual([NUMBER_TAKEN]);
      }
      expect(await scene.list()).toEqual([id]);
      expect(await scene.job(id)).toMatchObject({ payload: "1", callerId: formatJobId(id) });
    });

    it("does not keep the others of its group out", async () => {
      await using scene = await open();
      const ids = [scene.newId(), scene.newId(), scene.newId()];
      const [first = 0, second = 0, third = 0] = ids;
      await addGiven(scene, second);

      const answer = await scene.addGroup({ ids });

      expect(answer).toEqual([{ kind: "added" }, NUMBER_TAKEN, { kind: "added" }]);
      expect(await scene.list()).toEqual([first, second, third]);
    });

    it("is no id of a caller's own job that came with another number", async () => {
      await using scene = await open();
      const id = scene.newId();
      await addGiven(scene, id);

      const answer = await scene.addGroup({ ids: [id], shape: { callerId: "order-1" } });

      expect(answer).toEqual([NUMBER_TAKEN]);
      expect(await scene.store.get(["order-1"])).toEqual([]);
    });

    it("is told in every state of the job that has it, for as long as its row is there", async () => {
      await using scene = await open();
      const id = scene.newId();
      await addGiven(scene, id);
      const job = await scene.claimOne();

      expect(await scene.addGroup({ ids: [id] })).toEqual([NUMBER_TAKEN]);
      await scene.settle(job, { ...SUCCEED, keepMs: 0 });
      expect(await scene.addGroup({ ids: [id] })).toEqual([NUMBER_TAKEN]);
      scene.clock.advance(60_000);
      await scene.prune();
      expect(await scene.addGroup({ ids: [id] })).toBe("added");
    });

    it("is told by a full queue too, whatever it does with its overflow", async () => {
      await using scene = await open();
      const id = scene.newId();
      await addGiven(scene, id);

      for (const overflow of ["refuse", "drop-newest", "drop-oldest"] as const) {
        const answer = await scene.addGroup({ ids: [id], capacity: 1, overflow });
        expect(answer).toEqual([NUMBER_TAKEN]);
      }
      expect(await scene.state(id)).toBe("ready");
    });

    it("keeps all of an atomic group out", async () => {
      await using scene = await open();
      const ids = [scene.newId(), scene.newId()];
      const [, second = 0] = ids;
      await addGiven(scene, second);

      const answer = await scene.addGroup({ ids, atomic: true });

      expect(answer).toEqual([NUMBER_TAKEN, NUMBER_TAKEN]);
      expect(await scene.list()).toEqual([second]);
    });

    it("keeps all of an atomic group out that would have been dropped", async () => {
      await using scene = await open();
      const ids = [scene.newId(), scene.newId()];
      const [, second = 0] = ids;
      await addGiven(scene, second);
      const overflow = "drop-newest";

      const answer = await scene.addGroup({ ids, capacity: 1, atomic: true, overflow });

      expect(answer).toEqual([NUMBER_TAKEN, NUMBER_TAKEN]);
      expect(await scene.list()).toEqual([second]);
    });

    it("is not handed over to a claim that waits", async () => {
      await using scene = await open();
      const id = scene.newId();
      await addGiven(scene, id);
      const first = await scene.claimOne();

      const [added, claimed] = await scene.step(
        Promise.all([
          scene.store.add([scene.group({ ids: [id] })], scene.deadline),
          scene.store.claim(
            { owner: scene.owner, slots: [{ queue: "mail", tasks: ["send"], limit: 5 }] },
            scene.deadline,
          ),
        ]),
      );

      expect(added).toEqual([[NUMBER_TAKEN]]);
      expect(claimed).toEqual([]);
      expect(await scene.job(id)).toMatchObject({ state: "leased", token: first.token });
    });
  });
}
