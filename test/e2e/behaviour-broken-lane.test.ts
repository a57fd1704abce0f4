import { describe, expect, it } from "vitest";
import * as on from "./fixtures/thread-tasks.ts";
import { Stage } from "./stage.ts";

const tasks = new URL("./fixtures/thread-tasks.ts", import.meta.url);
const CAPACITY = 20;

describe("a worker whose job threads are beyond their restart budget", () => {
  it("counts as no consumer for other processes: a full queue is refused at once, with why", async () => {
    await using stage = await Stage.open({ store: "sqlite", runtime: "threads" });
    const queues = { default: { capacity: CAPACITY } };
    const worker = await stage.app({ tasks, queues, work: { threads: 4 } });
    const producer = await stage.app({ tasks, queues, work: false });
    const broken: unknown[] = [];
    worker.on("broken", (event) => broken.push(event));
    await worker.enqueueMany(on.poison, Array(12).fill(null));
    await expect.poll(() => broken.length, { timeout: 60_000 }).toBe(1);

    await expect
      .poll(async () => (await producer.workers()).filter(({ queues: of }) => of.length > 0))
      .toMatchObject([
        { queues: ["default"], reason: expect.stringContaining("died 11 times") as string },
      ]);
    const more = (): Promise<unknown> =>
      producer.enqueue(on.quick, 1, { waitMs: 30_000 }).then(
        () => "in",
        (error: unknown) => error,
      );
    let refused = await more();
    while (refused === "in") refused = await more();

    expect(refused).toMatchObject({
      code: "UNJAM_NO_CONSUMER",
      details: {
        capacity: CAPACITY,
        lastConsumer: {
          worker: `pid ${process.pid}`,
          reason: expect.stringMatching(
            /^its job thread died 11 times .* exited with code 4$/,
          ) as string,
        },
      },
    });
  });
});
