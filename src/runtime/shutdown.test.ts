import { describe, expect, it } from "vitest";
import { task } from "../client/task.ts";
import type { OpenOptions } from "../client/open-options.ts";
import { UnjamError } from "../core/errors.ts";
import { ClockedApp } from "../../test/runtime/clocked-app.ts";

/** Bodies that go on until the test ends them. */
function held(options: Parameters<typeof task>[1] = {}) {
  const bodies: { end: PromiseWithResolvers<unknown>; signal: AbortSignal }[] = [];
  const job = task("held", options, (_, { signal }) => {
    const end = Promise.withResolvers<unknown>();
    bodies.push({ end, signal });
    return end.promise;
  });
  return { job, bodies };
}

/** An app with jobs of the held task, some of them running. */
async function busy(count: number, options: Partial<OpenOptions> = {}) {
  const { job, bodies } = held();
  const scene = await ClockedApp.open({ tasks: [job], work: { loop: 2 }, ...options });
  const enqueues = Array.from({ length: count }, () => scene.app.enqueue(job, {}));
  const jobs = await scene.now(Promise.all(enqueues));
  return { scene, job, bodies, jobs };
}

const settlementsOf = ({ gate }: ClockedApp): string[] =>
  gate
    .callsOf("settle")
    .flatMap(([settlements]) => settlements.map(({ outcome }) => outcome.event));

describe("a drain", () => {
  it("waits for the handlers that run, and stores what they return", async () => {
    const { scene, bodies } = await busy(2);
    const closed = scene.app.close({ graceMs: 10_000 });
    await scene.clock.advance(5_000);

    for (const { end } of bodies) end.resolve(null);
    await scene.clock.advance(100);
    await closed;

    expect(settlementsOf(scene)).toEqual(["succeed", "succeed"]);
  });

  it("ends soon after the last handler, long before the grace is over", async () => {
    const { scene, bodies } = await busy(1);
    const startedAt = scene.clock.now();
    const closed = scene.app.close({ graceMs: 10_000 }).then(() => scene.clock.now() - startedAt);
    await scene.clock.settle();

    bodies[0]?.end.resolve(null);
    await scene.clock.advance(10_000);

    expect(await closed).toBeLessThan(100);
  });

  it("gives back what was claimed ahead and has not begun", async () => {
    const quick = task("quick", {}, () => undefined);
    const { job, bodies } = held();
    const scene = await ClockedApp.open({ tasks: [quick, job], work: { loop: 2 } });
    // A steady stream of quick jobs makes the fetcher claim ahead.
    for (let index = 0; index < 50; index++) {
      await scene.now(scene.app.enqueue(quick, {}));
      await scene.clock.advance(1);
    }
    for (let index = 0; index < 10; index++) await scene.now(scene.app.enqueue(job, {}));
    const closed = scene.app.close({ graceMs: 10_000 });
    await scene.clock.settle();

    for (const { end } of bodies) end.resolve(null);
    await scene.clock.advance(100);
    await closed;

    expect(bodies).toHaveLength(2);
    expect(settlementsOf(scene)).toContain("handBack");
  });

  it("claims nothing more while it waits", async () => {
    const { scene, bodies } = await busy(5);
    const claimsBefore = scene.gate.countOf("claim");
    const closed = scene.app.close({ graceMs: 10_000 });
    await scene.clock.settle();

    for (const { end } of bodies) end.resolve(null);
    await scene.clock.advance(100);
    await closed;

    expect(bodies).toHaveLength(2);
    expect(scene.gate.countOf("claim")).toBe(claimsBefore);
  });

  it("tells handlers to stop when the grace is over, hands their jobs back, and does not wait for them", async () => {
    const { scene, bodies } = await busy(2);
    const startedAt = scene.clock.now();
    const closed = scene.app.close({ graceMs: 1_000 }).then(() => scene.clock.now() - startedAt);

    await scene.clock.advance(1_000);

    expect(await closed).toBeLessThanOrEqual(1_000);
    expect(settlementsOf(scene)).toEqual(["handBack", "handBack"]);
    expect(bodies.map(({ signal }) => signal.reason as unknown)).toMatchObject([
      { code: "UNJAM_LEASE_LOST", details: { reason: "the app is closing" } },
      { code: "UNJAM_LEASE_LOST", details: { reason: "the app is closing" } },
    ]);
  });

  it("says goodbye to the store, once what was done is stored", async () => {
    const { scene, bodies } = await busy(1);
    const closed = scene.app.close();
    bodies[0]?.end.resolve(null);
    await scene.clock.advance(100);
    await closed;

    expect(scene.gate.callsOf("leave").map(([, reason]) => reason)).toEqual(["it was closed"]);
    expect(scene.gate.countOf("close")).toBeGreaterThan(0);
  });

  it.each(["settle", "leave", "claim", "renew", "wake"] as const)(
    "ends by its grace although the store never answers %s",
    async (method) => {
      const { scene, bodies } = await busy(1);
      scene.gate.hold(method);
      await scene.clock.advance(6_000);
      const startedAt = scene.clock.now();
      const closed = scene.app.close({ graceMs: 2_000 }).then(() => scene.clock.now() - startedAt);
      bodies[0]?.end.resolve(null);

      await scene.clock.advance(2_500);

      expect(await closed).toBeLessThanOrEqual(2_100);
    },
  );

  it("tries to store outcomes as long as the grace lasts", async () => {
    const { scene, bodies } = await busy(1);
    const full = new UnjamError("UNJAM_STORE_DISK_FULL", { file: "jobs.db" });
    scene.gate.fail("settle", full, 5);
    const closed = scene.app.close({ graceMs: 10_000 });
    bodies[0]?.end.resolve(null);
    await scene.clock.advance(1_000);
    await closed;

    expect(scene.gate.countOf("settle")).toBe(6);
  });

  it("rejects callers that wait for room, with the reason", async () => {
    const { scene, job } = await busy(4, {
      queues: { default: { capacity: 2, waitersMax: 10 } },
    });
    const refusal = scene.app.enqueue(job, {}).catch((error: unknown) => error);
    await scene.clock.settle();

    const closed = scene.app.close({ graceMs: 1_000 });
    await scene.clock.advance(1_000);
    await closed;

    expect(await refusal).toMatchObject({ code: "UNJAM_CLOSED" });
  });

  it("ends each wait, and leaves no timer behind", async () => {
    const { scene, job, jobs } = await busy(3, {
      queues: { default: { capacity: 1, waitersMax: 10 } },
    });
    const waits = [
      ...jobs.map((each) => each.result()),
      scene.app.enqueue(job, {}),
      scene.app.enqueue(job, {}, { whenFull: { retry: { firstMs: 20_000 } } }),
      scene.app.join(),
    ].map((wait: Promise<unknown>) => wait.catch((error: unknown) => error));
    await scene.clock.settle();

    const closed = scene.app.close({ graceMs: 1_000 });
    await scene.clock.advance(1_050);
    await closed;
    const outcomes = await scene.now(Promise.all(waits));

    const closing = { code: "UNJAM_CLOSED" };
    expect(outcomes).toMatchObject([closing, closing, closing, closing, closing, closing]);
    expect(scene.clock.pendingCount).toBe(0);
  });
});
