import { describe, expect, it } from "vitest";
import { isUnjamError } from "../../src/core/errors.ts";
import type { Store } from "../../src/store/store.ts";
import { aShape, anOwner, type OpenScene } from "./scene.ts";

/** Who uses the store, and what it promises about waiting, closing and other processes. */
export function ownerFacts(open: OpenScene): void {
  describe("owners", () => {
    it("are shown as they announced themselves", async () => {
      await using scene = await open();
      const owner = anOwner({ label: "web 🐎", queues: [], processStart: null, pid: 1 });
      const id = await scene.store.join(owner, scene.deadline);

      const [shown] = await scene.store.owners(1);

      expect(shown).toEqual({
        id,
        ...owner,
        leftAt: null,
        reason: null,
        joinedAt: scene.clock.wallNow(),
        beatAt: scene.clock.now(),
      });
    });

    it("are told apart and shown newest first, up to a limit", async () => {
      await using scene = await open();
      const second = await scene.store.join(anOwner(), scene.deadline);
      const third = await scene.store.join(anOwner(), scene.deadline);

      expect((await scene.store.owners(10)).map(({ id }) => id)).toEqual([
        third,
        second,
        scene.owner,
      ]);
      expect((await scene.store.owners(2)).map(({ id }) => id)).toEqual([third, second]);
      expect(new Set([scene.owner, second, third]).size).toBe(3);
    });

    it("show when they last beat", async () => {
      await using scene = await open();
      scene.clock.advance(1_234);

      await scene.step(scene.store.beat(scene.owner, scene.deadline));

      expect(await scene.store.owners(1)).toMatchObject([
        { beatAt: scene.clock.now(), leftAt: null },
      ]);
    });

    it("are kept alive by claiming", async () => {
      await using scene = await open();
      await scene.addJob();
      scene.clock.advance(1_234);

      await scene.claimOne();

      expect(await scene.store.owners(1)).toMatchObject([{ beatAt: scene.clock.now() }]);
    });

    it("that left are shown with their first reason, and a beat does not bring them back", async () => {
      await using scene = await open();
      const leftAt = scene.clock.wallNow();
      await scene.step(scene.store.leave(scene.owner, "deployed", scene.deadline));
      scene.clock.advance(5);

      await scene.step(scene.store.leave(scene.owner, "again", scene.deadline));
      await scene.step(scene.store.beat(scene.owner, scene.deadline));
      await scene.wake({ deadOwners: [{ id: scene.owner, reason: "dead" }] });

      expect(await scene.store.owners(10)).toMatchObject([{ leftAt, reason: "deployed" }]);
    });

    it("that went are remembered, but not for ever", async () => {
      await using scene = await open();
      for (let round = 0; round < 300; round++) {
        const id = await scene.store.join(anOwner({ label: `w${round}` }), scene.deadline);
        await scene.store.leave(id, "bye", scene.deadline);
      }

      const owners = await scene.store.owners(1_000);

      expect(owners.length).toBeLessThan(200);
      expect(owners.map(({ id }) => id)).toContain(scene.owner);
      expect(owners.map(({ label }) => label)).toContain("w299");
    });

    it("that withdraw from queues are shown without them, and as one that left with them", async () => {
      await using scene = await open();
      const queues = ["images", "mail", "text"];
      const id = await scene.store.join(anOwner({ queues, label: "web" }), scene.deadline);
      scene.clock.advance(10);
      const from = { queues: ["images", "text", "other"], reason: "out of threads" };

      await scene.step(scene.store.withdraw(id, from, scene.deadline));
      await scene.step(scene.store.withdraw(id, from, scene.deadline));

      const owners = (await scene.store.owners(10)).filter(({ label }) => label === "web");
      expect(owners).toMatchObject([
        { id, queues: ["mail"], leftAt: null },
        { queues: ["images", "text"], leftAt: scene.clock.wallNow(), reason: "out of threads" },
      ]);
      expect(owners).toHaveLength(2);
    });

    it("that are gone or unknown withdraw from nothing", async () => {
      await using scene = await open();
      await scene.step(scene.store.leave(scene.owner, "deployed", scene.deadline));
      const before = await scene.store.owners(10);

      for (const id of [scene.owner, 777]) {
        const from = { queues: ["mail"], reason: "broken" };
        await scene.step(scene.store.withdraw(id, from, scene.deadline));
      }

      expect(await scene.store.owners(10)).toEqual(before);
    });

    it("that nobody knows can beat, leave and be dead without harm", async () => {
      await using scene = await open();
      const before = await scene.store.owners(10);

      await scene.step(scene.store.beat(777, scene.deadline));
      await scene.step(scene.store.leave(777, "who?", scene.deadline));
      await scene.wake({ deadOwners: [{ id: 777, reason: "who?" }] });

      expect(await scene.store.owners(10)).toEqual(before);
    });
  });

  describe("a call", () => {
    it("at its deadline says the truth about what happened", async () => {
      await using scene = await open();
      const group = scene.group();

      const outcome = await scene.step(
        scene.store.add([group], scene.clock.now()).then(
          ([answer]) => (answer === "added" ? 1 : 0),
          (error: unknown) => {
            expect(isUnjamError(error)).toBe(true);
            return 0;
          },
        ),
      );

      expect(await scene.list()).toHaveLength(outcome);
    });

    it("changes nothing of another's when many run at once", async () => {
      await using scene = await open();
      const groups = Array.from({ length: 50 }, () => scene.group({ count: 3 }));
      const slots = [{ queue: "mail", tasks: ["send"], limit: 1_000 }];
      const claim = (): ReturnType<Store["claim"]> =>
        scene.store.claim({ owner: scene.owner, slots }, scene.deadline);

      const claims: ReturnType<Store["claim"]>[] = [];
      const adds = groups.map((group) => {
        claims.push(claim());
        return scene.store.add([group], scene.deadline);
      });
      claims.push(claim());

      expect(await scene.step(Promise.all(adds))).toEqual(groups.map(() => ["added"]));
      const claimed = (await Promise.all(claims)).flat().map(({ id }) => id);
      expect(claimed).toEqual(groups.flatMap(({ ids }) => ids));
    });
  });

  closeFacts(open);
}

function closeFacts(open: OpenScene): void {
  describe("close", () => {
    it("twice is harmless", async () => {
      await using scene = await open();

      await scene.store.close();

      await expect(scene.store.close()).resolves.toBeUndefined();
    });

    it("answers what was submitted before it, or says UNJAM_CLOSED", async () => {
      await using scene = await open();

      const pending = scene.store.add([scene.group()], scene.deadline).then(
        (answers) => answers[0],
        (error: unknown) => isUnjamError(error, "UNJAM_CLOSED"),
      );
      await scene.store.close();

      expect([true, "added"]).toContainEqual(await pending);
    });

    const shape = aShape();
    const calls: Readonly<Record<string, (store: Store, deadline: number) => Promise<unknown>>> = {
      reserveIds: (store, deadline) => store.reserveIds(1, deadline),
      join: (store, deadline) => store.join(anOwner(), deadline),
      beat: (store, deadline) => store.beat(1, deadline),
      leave: (store, deadline) => store.leave(1, "bye", deadline),
      withdraw: (store, deadline) => store.withdraw(1, { queues: [], reason: "" }, deadline),
      owners: (store) => store.owners(1),
      add: (store, deadline) =>
        store.add(
          [
            {
              shape,
              capacity: null,
              ids: [1],
              payloads: ["{}"],
              atomic: false,
              overflow: "refuse",
            },
          ],
          deadline,
        ),
      claim: (store, deadline) => store.claim({ owner: 1, slots: [] }, deadline),
      renew: (store, deadline) => store.renew([], deadline),
      settle: (store, deadline) => store.settle([], deadline),
      wake: (store, deadline) => store.wake({ limit: 1, deadOwners: [] }, deadline),
      hasten: (store, deadline) => store.hasten([], 0, deadline),
      prune: (store, deadline) => store.prune({ limit: 1, doneCountMax: 1 }, deadline),
      cancel: (store, deadline) => store.cancel({ ids: [], keepMs: 0, error: "{}" }, deadline),
      revive: (store, deadline) => store.revive([], deadline),
      get: (store) => store.get([1]),
      list: (store) => store.list({ queue: null, states: null, limit: 1, after: null }),
      queues: (store) => store.queues(),
      setPaused: (store, deadline) => store.setPaused("mail", true, deadline),
    };
    for (const [name, call] of Object.entries(calls)) {
      it(`makes ${name} reject with UNJAM_CLOSED`, async () => {
        await using scene = await open();
        await scene.store.close();

        const outcome = await call(scene.store, scene.deadline).catch((error: unknown) => error);

        expect(outcome).toMatchObject({ code: "UNJAM_CLOSED" });
      });
    }
  });

  describe("changedByOthers", () => {
    it("is false when this store alone has changed, or only looked", async () => {
      await using scene = await open();
      scene.store.changedByOthers();

      const job = await scene.leasedJob();
      await scene.renew(job);

      expect(scene.store.changedByOthers()).toBe(false);
    });
  });
}
