import { describe, expect, it } from "vitest";
import { task } from "../client/task.ts";
import { WAKE_MS } from "../core/limits.ts";
import { retryIn } from "../core/verdict.ts";
import { ClockedApp } from "../../test/runtime/clocked-app.ts";

/** Bodies that go on until the test ends them, as one task. */
function heldTask(options: Parameters<typeof task>[1] = {}) {
  const bodies: PromiseWithResolvers<unknown>[] = [];
  const held = task("held", options, () => {
    const body = Promise.withResolvers<unknown>();
    bodies.push(body);
    return body.promise;
  });
  return { held, bodies };
}

describe("the composed runtime", () => {
  it("runs a job in the turn after it was enqueued, without any time passing", async () => {
    const hello = task("hello", {}, async (name: string) => `hello ${name}`);
    await using scene = await ClockedApp.open({ tasks: [hello] });

    const job = await scene.now(scene.app.enqueue(hello, "Ada"));

    expect(await scene.now(job.result())).toBe("hello Ada");
  });

  it("submits adding and claiming together, so that they share a commit", async () => {
    const { held } = heldTask();
    await using scene = await ClockedApp.open({ tasks: [held] });
    const claimsBefore = scene.gate.countOf("claim");
    scene.gate.hold("add");

    const enqueued = scene.app.enqueue(held, {});
    await scene.clock.settle();

    expect(scene.gate.countOf("claim")).toBe(claimsBefore + 1);
    scene.gate.release("add");
    await scene.now(enqueued);
  });

  it("starts a retry when it is due, not when somebody happens to look", async () => {
    const attempts: number[] = [];
    let clockNow = (): number => 0;
    const poll = task("poll", {}, async (_, { attempt }) => {
      attempts.push(clockNow());
      if (attempt < 3) throw retryIn(10);
    });
    await using scene = await ClockedApp.open({ tasks: [poll] });
    const startedAt = scene.clock.now();
    clockNow = () => scene.clock.now() - startedAt;
    await scene.now(scene.app.enqueue(poll, {}));

    await scene.clock.advance(WAKE_MS / 2);

    expect(attempts).toEqual([0, 10, 20]);
  });

  it("starts a delayed job when it is due", async () => {
    const { held, bodies } = heldTask();
    await using scene = await ClockedApp.open({ tasks: [held] });
    await scene.now(scene.app.enqueue(held, {}, { delayMs: 1_234 }));

    await scene.clock.advance(1_233);
    const countBefore = bodies.length;
    await scene.clock.advance(1);

    expect([countBefore, bodies.length]).toEqual([0, 1]);
  });

  it("gives the slot of a cancelled job to the next without any time passing", async () => {
    const { held, bodies } = heldTask();
    await using scene = await ClockedApp.open({ tasks: [held], work: { loop: 1 } });
    const first = await scene.now(scene.app.enqueue(held, 1));
    await scene.now(scene.app.enqueue(held, 2));
    const countBefore = bodies.length;

    await scene.now(first.cancel());
    await scene.clock.settle();

    expect([countBefore, bodies.length]).toEqual([1, 2]);
  });

  it("gives the place of a cancelled job to a caller who waits without any time passing", async () => {
    const { held } = heldTask();
    await using scene = await ClockedApp.open({
      tasks: [held],
      queues: { default: { capacity: 1, waitersMax: 1 } },
    });
    const later = { delayMs: 3_600_000 };
    const first = await scene.now(scene.app.enqueue(held, 1, later));
    const second = scene.app.enqueue(held, 2, later);
    await scene.clock.settle();

    await scene.now(first.cancel());

    await expect(scene.now(second)).resolves.toBeDefined();
  });

  it("lets callers in as fast as workers take jobs, however small the queue", async () => {
    const seen: number[] = [];
    const note = task("note", {}, async (index: number) => void seen.push(index));
    await using scene = await ClockedApp.open({
      tasks: [note],
      queues: { default: { capacity: 1, waitersMax: 100 } },
    });

    const jobs = Array.from({ length: 20 }, (_, index) => scene.app.enqueue(note, index));
    await scene.now(Promise.all(jobs));

    expect(seen.length).toBeGreaterThanOrEqual(19);
  });
});

describe("a loop attempt that timed out while its body runs on", () => {
  const backoff = { firstMs: 5_000, jitter: 0 };

  it("is tried again by its backoff once the body has ended", async () => {
    const { held, bodies } = heldTask({ timeoutMs: 1_000, backoff });
    await using scene = await ClockedApp.open({ tasks: [held] });
    await scene.now(scene.app.enqueue(held, {}));
    await scene.clock.advance(1_000);

    bodies[0]?.resolve("late");
    await scene.clock.advance(4_999);
    const countBefore = bodies.length;
    await scene.clock.advance(1);

    expect([countBefore, bodies.length]).toEqual([1, 2]);
  });

  it("is tried again by its backoff when its signal ends the body in the same turn", async () => {
    let attempts = 0;
    const polite = task("polite", { timeoutMs: 1_000, backoff }, (_, { signal }) => {
      attempts++;
      return new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason));
      });
    });
    await using scene = await ClockedApp.open({ tasks: [polite] });
    await scene.now(scene.app.enqueue(polite, {}));

    await scene.clock.advance(1_000 + 4_999);
    const countBefore = attempts;
    await scene.clock.advance(1);

    expect([countBefore, attempts]).toEqual([1, 2]);
  });

  it("is tried again at once when the body ends after the backoff", async () => {
    const { held, bodies } = heldTask({ timeoutMs: 1_000, backoff });
    await using scene = await ClockedApp.open({ tasks: [held] });
    await scene.now(scene.app.enqueue(held, {}));
    await scene.clock.advance(20_000);
    const countBefore = bodies.length;

    bodies[0]?.resolve("late");
    await scene.clock.advance(1);

    expect([countBefore, bodies.length]).toEqual([1, 2]);
  });

  it("is tried again after a minute when the body never ends", async () => {
    const { held, bodies } = heldTask({ timeoutMs: 1_000, backoff });
    await using scene = await ClockedApp.open({ tasks: [held] });
    await scene.now(scene.app.enqueue(held, {}));

    await scene.clock.advance(60_999);
    const countBefore = bodies.length;
    await scene.clock.advance(1);

    expect([countBefore, bodies.length]).toEqual([1, 2]);
  });
});
