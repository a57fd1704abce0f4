import { describe, expect, it } from "vitest";
import { Gate, QueueStage, watch } from "../../test/sync/queue-stage.ts";
import { ABORT_GRACE_MS } from "../core/limits.ts";

describe("a consumer", () => {
  it("calls its handler for each item, as many at once as its concurrency", async () => {
    const stage = new QueueStage<number>();
    const gates = new Map<number, Gate>();
    const consumer = stage.queue.consume(
      (n) => {
        const gate = new Gate();
        gates.set(n, gate);
        return gate.opened;
      },
      { concurrency: 2 },
    );
    for (let n = 1; n <= 3; n++) stage.queue.tryPut(n);
    await stage.rest();
    expect([...gates.keys()]).toEqual([1, 2]);

    gates.get(2)?.open();
    await stage.rest();

    expect([...gates.keys()]).toEqual([1, 2, 3]);
    expect(consumer.name).toBe("consumer-1");
    expect(stage.queue.consume(() => undefined).name).toBe("consumer-2");
  });

  it("starts handlers in a turn of their own, never inside a put or a consume", async () => {
    const stage = new QueueStage<string>();
    const order: string[] = [];
    stage.queue.tryPut("a");
    stage.queue.consume((value) => void order.push(value));
    order.push("consumed");
    await stage.rest();
    stage.queue.tryPut("b");
    order.push("put");
    await stage.rest();

    expect(order).toEqual(["consumed", "a", "put", "b"]);
  });

  it("settles an item as failed when its handler throws, tells onError, and goes on", async () => {
    const stage = new QueueStage<string>();
    const told: unknown[] = [];
    const error = new Error("bad");
    stage.queue.consume(
      (value) => {
        if (value === "sync") throw error;
        return value === "async" ? Promise.reject(error) : value;
      },
      { onError: (thrown, value) => void told.push([thrown, value]) },
    );
    for (const value of ["sync", "async", "good"]) stage.queue.tryPut(value);

    expect(await stage.queue.join()).toEqual({
      ...{ done: 1, failed: 2 },
      errors: [
        { value: '"sync"', error },
        { value: '"async"', error },
      ],
    });
    expect(told).toEqual([
      [error, "sync"],
      [error, "async"],
    ]);
    expect(stage.queue.consumers).toBe(1);
  });

  it("gives the loop its turn after 10 ms of work", async () => {
    const stage = new QueueStage<number>();
    let now = 0;
    let soonCount = 0;
    const { clock } = stage;
    const queue = new QueueStage<number>({
      ports: {
        clock: { now: () => now, wallNow: () => 0 },
        timers: {
          after: (ms, run) => clock.after(ms, run),
          soon: (run) => {
            soonCount++;
            clock.soon(run);
          },
        },
      },
    }).queue;
    queue.consume(() => void (now += 1), { concurrency: 3 });
    for (let n = 0; n < 1_000; n++) queue.tryPut(n);

    await queue.join();

    expect(soonCount).toBeGreaterThan(50);
    expect(soonCount).toBeLessThan(110);
  });
});

describe("a bug in a consumer's own code", () => {
  it("is reported and ends the consumer, which holds nothing then", async () => {
    let now = 0;
    const stage = new QueueStage<number>();
    const { clock } = stage;
    const broken = new QueueStage<number>({
      ports: {
        clock: { now: () => now, wallNow: () => 0 },
        timers: {
          after: (ms, run) => clock.after(ms, run),
          soon: () => {
            throw new Error("no turns left");
          },
        },
      },
    });
    const consumer = broken.queue.consume(() => void (now += 1_000));
    for (let n = 0; n < 3; n++) broken.queue.tryPut(n);

    await consumer.finished;

    expect(broken.log).toEqual([
      {
        fields: { queue: "q", error: "Error: no turns left" },
        message: "a consumer's own code failed",
      },
    ]);
    expect(broken.queue.snapshot()).toMatchObject({ consumers: 0, unfinished: 1, size: 1 });
  });
});

describe("consumer.stop", () => {
  it("takes no more, and lets running handlers end within their grace", async () => {
    const stage = new QueueStage<string>();
    const gate = new Gate<string>();
    const signals: AbortSignal[] = [];
    const consumer = stage.queue.consume((_, { signal }) => {
      signals.push(signal);
      return gate.opened;
    });
    const asked = watch(stage.queue.ask("a"));
    stage.queue.tryPut("b");
    await stage.rest();
    const finished = watch(consumer.finished);

    consumer.stop({ graceMs: 1_000 });
    await stage.advance(999);
    expect([finished.isPending, signals[0]?.aborted]).toEqual([true, false]);
    expect(stage.queue.consumers).toBe(0);
    expect(stage.queue.holders()).toHaveLength(1);
    gate.open("done");
    await stage.rest();

    expect([finished.isPending, asked.value]).toEqual([false, "done"]);
    expect(stage.drain()).toEqual(["b"]);
  });

  it("has a grace of 25 s unless told otherwise, and the last word counts", async () => {
    const stage = new QueueStage<string>();
    const [first, second] = [stubborn(stage), stubborn(stage)];
    await stage.rest();

    first.consumer.stop();
    second.consumer.stop();
    await stage.advance(100);
    second.consumer.stop({ graceMs: 50 });
    await stage.advance(50);
    expect([first.isAborted(), second.isAborted()]).toEqual([false, true]);
    await stage.advance(24_849);
    expect(first.isAborted()).toBe(false);
    await stage.advance(1);

    expect(first.isAborted()).toBe(true);
  });

  it("aborts the signal when the grace is over; a handler that listens has failed or is done as it ends", async () => {
    const stage = new QueueStage<string>();
    const consumer = stage.queue.consume(
      (_, { signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener("abort", () => reject(signal.reason as Error));
        }),
      { name: "polite" },
    );
    const asked = watch(stage.queue.ask("a"));
    await stage.rest();

    consumer.stop({ graceMs: 0 });
    await consumer.finished;

    expect(String(asked.reason)).toBe('Error: consumer "polite" was stopped and its grace is over');
    expect(await stage.queue.join()).toMatchObject({ done: 0, failed: 1 });
  });

  it("gives up a handler that ignores its signal after two seconds: its item has failed", async () => {
    const stage = new QueueStage<string>();
    const { consumer, gate } = stubborn(stage, "deaf");
    await stage.rest();
    const asked = watch(stage.queue.ask("b"));
    stage.queue.tryPut("c");
    await stage.rest();
    const finished = watch(consumer.finished);

    consumer.stop({ graceMs: 0 });
    await stage.advance(1_999);
    expect([finished.isPending, stage.queue.unfinished]).toEqual([true, 3]);
    await stage.advance(1);

    expect(finished.isPending).toBe(false);
    expect(stage.queue.unfinished).toBe(2);
    expect(stage.queue.holders()).toEqual([]);
    expect(asked.isPending).toBe(true);
    gate.open();
    await stage.rest();
    expect(stage.drain()).toEqual(["b", "c"]);
    const { failed, errors } = await stage.queue.join();
    expect([failed, String(errors[0]?.error)]).toEqual([
      1,
      'Error: the handler of consumer "deaf" ignored its abort signal',
    ]);
  });

  it("counts an item that was given up once, also when its handler throws later", async () => {
    const stage = new QueueStage<string>();
    const { consumer, gate } = stubborn(stage);
    await stage.rest();
    consumer.stop({ graceMs: 0 });
    await stage.advance(2_000);

    gate.fail(new Error("late"));
    await stage.rest();

    expect(await stage.queue.join()).toMatchObject({ done: 0, failed: 1 });
  });

  it("leaves no death behind: what a running handler throws then kills nobody", async () => {
    const stage = new QueueStage<string>();
    const gate = new Gate();
    const told: unknown[] = [];
    stage.queue.on("died", (data) => told.push(data));
    const consumer = stage.queue.consume(() => gate.opened, { restarts: { max: 0 } });
    stage.queue.tryPut("a");
    await stage.rest();

    consumer.stop();
    gate.fail(new Error("bad"));
    await consumer.finished;

    expect(told).toEqual([]);
    expect(stage.queue.snapshot()).toMatchObject({ phase: "open", unfinished: 0 });
  });

  it("ends a consumer whose onError never ends", async () => {
    const stage = new QueueStage<string>();
    const consumer = stage.queue.consume(
      () => {
        throw new Error("bad");
      },
      { onError: () => new Promise(() => undefined) },
    );
    stage.queue.tryPut("a");
    await stage.rest();
    const finished = watch(consumer.finished);

    consumer.stop({ graceMs: 0 });
    await stage.advance(2_000);

    expect(finished.isPending).toBe(false);
  });

  it("twice is harmless, also when it has ended", async () => {
    const { queue } = new QueueStage<string>();
    const consumer = queue.consume(() => undefined);
    consumer.stop();
    consumer.stop();
    await consumer.finished;
    consumer.stop({ graceMs: 0 });

    expect(queue.consumers).toBe(0);
  });

  it("gives back what was on its way to the handler, in order", async () => {
    const stage = new QueueStage<number>();
    const seen: number[] = [];
    const consumer = stage.queue.consume((n) => void seen.push(n), { concurrency: 3 });
    await stage.rest();
    for (let n = 1; n <= 5; n++) stage.queue.tryPut(n);

    consumer.stop();
    await consumer.finished;

    expect(seen).toEqual([]);
    expect(stage.drain()).toEqual([1, 2, 3, 4, 5]);
  });

  it.each([0, 1, 2, 3, 4])(
    "and an item that came %i microtasks before: it is handled once, here or by the next",
    async (ticks) => {
      const stage = new QueueStage<string>();
      const seen: string[] = [];
      const first = stage.queue.consume((value) => void seen.push(value));
      await stage.rest();
      stage.queue.tryPut("x");
      for (let tick = 0; tick < ticks; tick++) await Promise.resolve();

      first.stop();
      stage.queue.consume((value) => void seen.push(value));
      await stage.rest();
      stage.queue.tryPut("y");
      await stage.rest();

      expect(seen).toEqual(["x", "y"]);
      expect(stage.queue.snapshot()).toMatchObject({ size: 0, unfinished: 0, consumers: 1 });
    },
  );

  it("follows a signal, which it then lets go of", async () => {
    const stage = new QueueStage<string>();
    const stop = new AbortController();
    const { consumer, isAborted } = stubborn(stage, "deaf", stop.signal);
    await stage.rest();
    const finished = watch(consumer.finished);

    stop.abort();
    expect(isAborted()).toBe(true);
    await stage.advance(2_000);
    expect(finished.isPending).toBe(false);

    const other = stage.queue.consume(() => undefined, { signal: AbortSignal.abort() });
    await other.finished;
    expect(stage.queue.consumers).toBe(0);
  });
});

describe("a consumer in an await using declaration", () => {
  it("is stopped and has ended when the block is left", async () => {
    const stage = new QueueStage<string>();
    const handled: string[] = [];
    {
      await using consumer = stage.queue.consume((value) => void handled.push(value));
      expect(consumer.name).toBe("consumer-1");
      await stage.queue.put("a");
      await stage.rest();
    }
    stage.queue.tryPut("b");
    await stage.rest();

    expect([stage.queue.consumers, handled]).toEqual([0, ["a"]]);
  });

  it("keeps the grace of an earlier stop", async () => {
    const stage = new QueueStage<string>();
    const consumer = stage.queue.consume(() => new Promise(() => undefined));
    stage.queue.tryPut("a");
    await stage.rest();
    consumer.stop({ graceMs: 100 });

    const ended = watch(Promise.resolve(consumer[Symbol.asyncDispose]()));
    await stage.advance(100 + ABORT_GRACE_MS);

    expect(ended.isPending).toBe(false);
  });
});

/** A consumer that holds an item and hears of nothing. */
function stubborn(
  stage: QueueStage<string>,
  name = "stubborn",
  signal?: AbortSignal,
): {
  readonly consumer: ReturnType<QueueStage<string>["queue"]["consume"]>;
  readonly gate: Gate;
  readonly isAborted: () => boolean;
} {
  const gate = new Gate();
  let given: AbortSignal | undefined;
  const consumer = stage.queue.consume(
    (_, context) => {
      given = context.signal;
      return gate.opened;
    },
    { name, ...(signal === undefined ? {} : { signal }) },
  );
  stage.queue.tryPut("a");
  return { consumer, gate, isAborted: () => given?.aborted === true };
}
