/** What a put does while the queue is full. */
import { describe, expect, it } from "vitest";
import { Gate, QueueStage, watch } from "../../test/sync/queue-stage.ts";
import type { QueueEvents } from "./queue-report.ts";

describe("whenFull", () => {
  it("wait is the default: the put waits for room", async () => {
    const stage = aFullQueue();
    const put = watch(stage.queue.put("b"));
    await stage.rest();

    expect(put.isPending).toBe(true);
    expect(stage.drain()).toEqual(["a", "b"]);
  });

  it("reject refuses at once", async () => {
    const { queue } = aFullQueue({ whenFull: "reject" });

    await expect(queue.put("b")).rejects.toMatchObject({
      code: "UNJAM_QUEUE_FULL",
      details: { queue: "q", capacity: 1, waitedMs: 0 },
    });
    await expect(queue.ask("b")).rejects.toMatchObject({ code: "UNJAM_QUEUE_FULL" });
  });

  it("drop-newest says that the put was dropped, and rejects an ask", async () => {
    const stage = aFullQueue({ whenFull: "drop-newest" });

    expect(await stage.queue.put("b")).toBe("dropped");
    await expect(stage.queue.ask("c")).rejects.toMatchObject({
      code: "UNJAM_ITEM_DROPPED",
      details: { queue: "q", reason: "the queue was full (drop-newest)" },
    });
    expect(stage.queue.snapshot()).toMatchObject({ droppedCount: 2, unfinished: 1 });
    expect(stage.drain()).toEqual(["a"]);
  });

  it.each([undefined, {}])(
    "drop-oldest takes out the oldest, whose ask is rejected: options %j",
    async (options) => {
      const stage = new QueueStage<string>({ capacity: 2, whenFull: "drop-oldest" });
      const asks = ["a", "b"].map((value) => watch(stage.queue.ask(value, options)));

      expect(await stage.queue.put("c")).toBe("added");
      await stage.rest();

      expect(asks[0]?.reason).toMatchObject({
        code: "UNJAM_ITEM_DROPPED",
        details: { queue: "q", reason: "a newer one took its place (drop-oldest)" },
      });
      expect(asks[1]?.isPending).toBe(true);
      expect(stage.queue.snapshot()).toMatchObject({ droppedCount: 1, size: 2, unfinished: 2 });
      expect(stage.drain()).toEqual(["b", "c"]);
      expect(await stage.queue.join()).toEqual({ done: 2, failed: 0, errors: [] });
    },
  );

  it.each([
    ["lifo", ["d", "c"]],
    [{ by: (text: string) => -text.charCodeAt(0) }, ["d", "c"]],
    [{ by: (text: string) => text.charCodeAt(0) }, ["c", "d"]],
  ] as const)(
    "drop-oldest takes out what came first, whatever is next: %j",
    async (order, left) => {
      const stage = new QueueStage<string>({ capacity: 2, whenFull: "drop-oldest", order });

      for (const value of ["a", "b", "c", "d"]) await stage.queue.put(value);

      expect(stage.drain()).toEqual(left);
    },
  );

  it("drop-oldest spares what somebody holds", async () => {
    const stage = aFullQueue();
    const lease = stage.queue.tryGet();
    await stage.queue.put("b");
    await stage.queue.put("c", { whenFull: "drop-oldest" });

    lease?.done();

    expect(stage.drain()).toEqual(["c"]);
  });

  it("drop-oldest puts the room that it makes to its own use, also when others wait", async () => {
    const stage = aFullQueue();
    const waiting = watch(stage.queue.put("b"));

    await stage.queue.put("c", { whenFull: "drop-oldest" });

    expect(waiting.isPending).toBe(true);
    expect(stage.drain()).toEqual(["c", "b"]);
  });

  it("retry comes back by its backoff, behind those who stand in line", async () => {
    const stage = aFullQueue();
    const retry = { firstMs: 10, factor: 2, maxMs: 40, jitter: 0 };
    const back = watch(stage.queue.put("back", { whenFull: { retry } }));
    const line = watch(stage.queue.put("line"));

    stage.queue.tryGet()?.done();
    await stage.rest();
    expect([back.isPending, line.value]).toEqual([true, "added"]);
    await stage.advance(10);
    stage.queue.tryGet()?.done();
    await stage.advance(19);
    expect(back.isPending).toBe(true);
    await stage.advance(1);

    expect(back.value).toBe("added");
    expect(stage.drain()).toEqual(["back"]);
  });

  it("retry ends at the deadline, and its item never comes in", async () => {
    const stage = aFullQueue();
    const retry = { firstMs: 10, factor: 1, maxMs: 10, jitter: 0 };
    const put = watch(stage.queue.put("b", { whenFull: { retry }, waitMs: 25 }));

    await stage.advance(25);
    expect(put.code).toBe("UNJAM_QUEUE_FULL");
    stage.drain();
    await stage.advance(1_000);

    expect(stage.queue.snapshot()).toMatchObject({ size: 0, putters: 0 });
  });

  it("retry leaves no timer behind when its wait is over", async () => {
    const timers = new Set<object>();
    const { clock } = new QueueStage();
    const stage = aFullQueue({
      ports: {
        clock,
        timers: {
          soon: (run) => clock.soon(run),
          after: (delayMs, run) => {
            const timer = clock.after(delayMs, () => {
              timers.delete(timer);
              run();
            });
            timers.add(timer);
            return {
              cancel: () => {
                timers.delete(timer);
                timer.cancel();
              },
            };
          },
        },
      },
    });
    const stop = new AbortController();
    const put = watch(
      stage.queue.put("b", { whenFull: { retry: { firstMs: 3_600_000 } }, signal: stop.signal }),
    );

    stop.abort("enough");
    await stage.rest();

    expect(put.reason).toBe("enough");
    expect(timers.size).toBe(0);
  });

  it("of the call goes before whenFull of the queue", async () => {
    const stage = aFullQueue({ whenFull: "drop-newest" });

    await expect(stage.queue.put("b", { whenFull: "reject" })).rejects.toMatchObject({
      code: "UNJAM_QUEUE_FULL",
    });
    expect(stage.queue.snapshot().droppedCount).toBe(0);
  });

  it("does not matter to a closed queue", async () => {
    const { queue } = aFullQueue();
    queue.close();

    for (const whenFull of ["wait", "reject", "drop-newest", "drop-oldest"] as const) {
      await expect(queue.put("b", { whenFull })).rejects.toMatchObject({
        code: "UNJAM_QUEUE_CLOSED",
      });
    }
    expect(queue.unfinished).toBe(1);
  });
});

describe("waitersMax", () => {
  it("bounds those who wait for room, in line and coming back", async () => {
    const stage = new QueueStage<string>({ capacity: 1, waitersMax: 2 });
    stage.queue.tryPut("a");
    const waiting = [
      watch(stage.queue.put("b")),
      watch(stage.queue.put("c", { whenFull: { retry: { firstMs: 10 } } })),
    ];

    for (const whenFull of ["wait", { retry: {} }] as const) {
      await expect(stage.queue.put("d", { whenFull })).rejects.toMatchObject({
        code: "UNJAM_TOO_MANY_WAITERS",
        details: { what: 'room in queue "q"', queue: "q", waitersMax: 2 },
      });
    }
    expect(waiting.map(({ isPending }) => isPending)).toEqual([true, true]);
    expect(stage.queue.snapshot().putters).toBe(2);
  });

  it("is the capacity by default, and 1,000 at most", async () => {
    for (const [capacity, waitersMax] of [
      [3, 3],
      [1_001, 1_000],
    ] as const) {
      const { queue } = new QueueStage<number>({ capacity });
      for (let n = 0; n < capacity; n++) queue.tryPut(n);
      for (let n = 0; n < waitersMax; n++) watch(queue.put(n));

      await expect(queue.put(0)).rejects.toMatchObject({ details: { waitersMax } });
    }
  });
});

describe("the event full", () => {
  it("comes at once and then at most once a second, with how often and how much was dropped", async () => {
    const stage = aFullQueue();
    const told: QueueEvents["full"][] = [];
    stage.queue.on("full", (fullness) => told.push(fullness));
    const dropTwice = async (): Promise<void> => {
      await stage.queue.put("b", { whenFull: "drop-newest" });
      await stage.queue.put("b", { whenFull: "drop-oldest" });
    };

    await dropTwice();
    await dropTwice();
    await stage.advance(999);
    await dropTwice();
    expect(told).toHaveLength(1);
    await stage.advance(1);
    await dropTwice();

    const about = { queue: "q", capacity: 1 };
    expect(told).toEqual([
      { ...about, count: 1, droppedCount: 0 },
      { ...about, count: 6, droppedCount: 6 },
    ]);
  });

  it("does not come where there is room, nor for tryPut", async () => {
    const stage = new QueueStage<string>({ capacity: 1 });
    const told: unknown[] = [];
    stage.queue.on("full", (fullness) => told.push(fullness));

    await stage.queue.put("a");
    stage.queue.tryPut("b");

    expect(told).toEqual([]);
  });

  it("does not reach a listener that was taken off", async () => {
    const stage = aFullQueue();
    const told: string[] = [];
    const off = stage.queue.on("full", () => told.push("off"));
    stage.queue.on("full", () => told.push("on"));

    off();
    await stage.queue.put("b", { whenFull: "drop-newest" });

    expect(told).toEqual(["on"]);
  });

  it("is refused a listener that is no function", () => {
    const { queue } = new QueueStage();
    // @ts-expect-error -- that is what the test is about.
    const listen = (): unknown => queue.on("full", "log it");

    expect(listen).toThrow(expect.objectContaining({ code: "UNJAM_INVALID_OPTION" }));
  });

  it("is refused a name that no event has", () => {
    const { queue } = aFullQueue();

    expect(() => queue.on("empty" as "full", () => undefined)).toThrow(
      expect.objectContaining({ code: "UNJAM_INVALID_OPTION" }),
    );
  });
});

describe("a queue whose last consumer is gone", () => {
  it("refuses those who wait for room, and new puts at once, saying who went and why", async () => {
    const stage = aFullQueue();
    const gate = new Gate();
    const consumer = stage.queue.consume(() => gate.opened, { name: "only" });
    await stage.rest();
    stage.queue.tryPut("b");
    const waiting = [
      watch(stage.queue.put("c")),
      watch(stage.queue.ask("d")),
      watch(stage.queue.put("e", { whenFull: { retry: {} } })),
    ];

    consumer.stop();
    await stage.advance(400);

    const lastConsumer = { worker: "only", goneMs: 0, reason: "it was stopped" };
    const refusal = {
      code: "UNJAM_NO_CONSUMER",
      details: { queue: "q", capacity: 1, lastConsumer },
    };
    for (const { reason } of waiting) expect(reason).toMatchObject(refusal);
    await expect(stage.queue.put("f")).rejects.toMatchObject({
      code: "UNJAM_NO_CONSUMER",
      details: { lastConsumer: { ...lastConsumer, goneMs: 400 } },
    });
    expect(stage.queue.unfinished).toBe(2);
  });

  it("still takes what there is room for, until it is full", async () => {
    const { queue } = new QueueStage<string>({ capacity: 2 });
    queue.consume(() => undefined).stop();

    expect(await queue.put("a")).toBe("added");
    expect(await queue.put("b", {})).toBe("added");
    await expect(queue.put("c")).rejects.toMatchObject({ code: "UNJAM_NO_CONSUMER" });
    await expect(queue.put("c", { whenFull: "reject" })).rejects.toMatchObject({
      code: "UNJAM_QUEUE_FULL",
    });
  });

  it("lets puts wait when somebody takes items by get as well: he may take the next", async () => {
    const stage = aFullQueue();
    const consumer = stage.queue.consume(() => undefined);
    consumer.stop();
    const lease = stage.queue.tryGet();
    stage.queue.tryPut("b");
    const waiting = watch(stage.queue.put("c"));
    await stage.rest();
    const wasPending = waiting.isPending;

    lease?.done();
    stage.queue.tryGet()?.done();
    await stage.rest();

    expect([wasPending, waiting.fate]).toEqual([true, { value: "added" }]);
  });

  it("lets puts wait while another consumer or a loop lives", async () => {
    const stage = aFullQueue();
    stage.queue.pause();
    const first = stage.queue.consume(() => undefined);
    const loop = stage.queue[Symbol.asyncIterator]();
    const waiting = watch(stage.queue.put("b"));

    first.stop();
    await stage.rest();
    expect(waiting.isPending).toBe(true);
    await loop.return?.();
    await stage.rest();

    expect(waiting.reason).toMatchObject({
      code: "UNJAM_NO_CONSUMER",
      details: { lastConsumer: { worker: "a for await loop", reason: "it was left" } },
    });
  });

  it("lets puts wait when it never had one", async () => {
    const stage = aFullQueue();
    const waiting = watch(stage.queue.put("b"));
    await stage.rest();

    expect(waiting.isPending).toBe(true);
  });
});

function aFullQueue(
  options: ConstructorParameters<typeof QueueStage<string>>[0] = {},
): QueueStage<string> {
  const stage = new QueueStage<string>({ capacity: 1, waitersMax: 10, ...options });
  stage.queue.tryPut("a");
  return stage;
}
