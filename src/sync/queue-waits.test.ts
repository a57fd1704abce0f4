/** Every wait of a queue ends, and what it waited for is neither lost nor there twice. */
import { describe, expect, it } from "vitest";
import { Gate, QueueStage, watch } from "../../test/sync/queue-stage.ts";

const HUNDRED_YEARS_MS = 3_155_760_000_000;

describe("a put", () => {
  it("ends after 30 s unless told otherwise, and its item is not in the queue", async () => {
    const stage = aFullQueue();
    const put = watch(stage.queue.put("b"));

    await stage.advance(29_999);
    expect(put.isPending).toBe(true);
    await stage.advance(1);

    expect(put.reason).toMatchObject({
      code: "UNJAM_QUEUE_FULL",
      details: { queue: "q", capacity: 1, waitedMs: 30_000 },
    });
    expect(stage.drain()).toEqual(["a"]);
    expect(stage.queue.unfinished).toBe(0);
  });

  it("ends at its waitMs, whoever else waits longer", async () => {
    const stage = aFullQueue();
    const [long, short, none] = [500, 20, 0].map((waitMs) =>
      watch(stage.queue.put(`${waitMs}`, { waitMs })),
    );

    await stage.advance(0);
    expect(none?.code).toBe("UNJAM_QUEUE_FULL");
    await stage.advance(20);
    expect(short?.code).toBe("UNJAM_QUEUE_FULL");
    expect(stage.drain()).toEqual(["a", "500"]);
    await stage.rest();

    expect(long?.value).toBe("added");
  });

  it("waits for ever only when Infinity is written", async () => {
    const stage = aFullQueue();
    const put = watch(stage.queue.put("b", { waitMs: Number.POSITIVE_INFINITY }));

    await stage.advance(HUNDRED_YEARS_MS);
    expect(put.isPending).toBe(true);
    expect(stage.drain()).toEqual(["a", "b"]);
    await stage.rest();

    expect(put.value).toBe("added");
  });

  it("ends with the signal's reason, and its item is not in the queue", async () => {
    const stage = aFullQueue();
    const stop = new AbortController();
    const put = watch(stage.queue.put("b", { signal: stop.signal }));
    const next = watch(stage.queue.put("c"));

    stop.abort("enough");
    await stage.rest();

    expect(put.reason).toBe("enough");
    expect(stage.queue.snapshot().putters).toBe(1);
    expect(stage.drain()).toEqual(["a", "c"]);
    await stage.rest();
    expect(next.value).toBe("added");
  });

  it("adds nothing when its signal has aborted before", async () => {
    const { queue } = new QueueStage<string>();
    const signal = AbortSignal.abort("too late");

    await expect(queue.put("a", { signal })).rejects.toBe("too late");
    await expect(queue.ask("a", { signal })).rejects.toBe("too late");
    await expect(queue.get({ signal })).rejects.toBe("too late");
    await expect(queue.join({ signal })).rejects.toBe("too late");
    expect(queue.unfinished).toBe(0);
  });

  it("stays in the queue when its signal aborts after it came in", async () => {
    const stage = new QueueStage<string>();
    const stop = new AbortController();
    await stage.queue.put("a", { signal: stop.signal });

    stop.abort();

    expect(stage.drain()).toEqual(["a"]);
  });

  it("leaves no listener on a signal that lives on", async () => {
    const stage = aFullQueue();
    const { signal, counts } = countedSignal();

    const waits = [
      watch(stage.queue.put("b", { signal })),
      watch(stage.queue.ask("c", { signal, waitMs: 5 })),
      watch(stage.queue.join({ signal, waitMs: 5 })),
    ];
    stage.drain();
    await stage.advance(5);

    expect(waits.map(({ isPending }) => isPending)).toEqual([false, false, false]);
    expect(counts).toEqual({ added: 3, removed: 3 });
  });
});

describe("a get", () => {
  it("ends after 30 s unless told otherwise, and takes nothing that comes later", async () => {
    const stage = new QueueStage<string>();
    const get = watch(stage.queue.get());

    await stage.advance(29_999);
    expect(get.isPending).toBe(true);
    await stage.advance(1);

    expect(get.reason).toMatchObject({
      code: "UNJAM_WAIT_TIMEOUT",
      details: { what: 'get from queue "q"', waitedMs: 30_000, state: "empty" },
    });
    stage.queue.tryPut("a");
    expect(stage.drain()).toEqual(["a"]);
  });

  it("says that the queue is paused when that is why nothing came", async () => {
    const stage = aFullQueue();
    stage.queue.pause();
    const get = watch(stage.queue.get({ waitMs: 10 }));

    await stage.advance(10);

    expect(get.reason).toMatchObject({ details: { state: "paused" } });
  });

  it("ends with the signal's reason, and the next getter gets the item", async () => {
    const stage = new QueueStage<string>();
    const stop = new AbortController();
    const first = watch(stage.queue.get({ signal: stop.signal }));
    const second = stage.queue.get({ waitMs: Number.POSITIVE_INFINITY });

    stop.abort("enough");
    stage.queue.tryPut("a");

    expect((await second).value).toBe("a");
    expect(first.reason).toBe("enough");
    expect(stage.queue.snapshot().takers).toBe(0);
  });

  it("is refused when waitersMax getters wait", async () => {
    const stage = new QueueStage<string>({ waitersMax: 2 });
    const waiting = [watch(stage.queue.get()), watch(stage.queue.get())];

    await expect(stage.queue.get()).rejects.toMatchObject({
      code: "UNJAM_TOO_MANY_WAITERS",
      details: { what: 'an item of queue "q"', queue: "q" },
    });
    stage.queue.tryPut("a");
    const third = watch(stage.queue.get());
    await stage.rest();

    expect([...waiting, third].map(({ isPending }) => isPending)).toEqual([false, true, true]);
  });

  it("is refused when the queue is closed and all that was in it is settled", async () => {
    const stage = aFullQueue();
    stage.queue.close();
    const lease = await stage.queue.get();
    const waiting = watch(stage.queue.get());
    await stage.rest();
    expect(waiting.isPending).toBe(true);

    lease.done();
    await stage.rest();

    expect(waiting.code).toBe("UNJAM_QUEUE_CLOSED");
    await expect(stage.queue.get()).rejects.toMatchObject({ code: "UNJAM_QUEUE_CLOSED" });
  });
});

describe("an ask", () => {
  it("resolves with what the consumer returned, or rejects with what it threw", async () => {
    const { queue } = new QueueStage<number, number>();
    const error = new RangeError("odd");
    queue.consume((n) => {
      if (n % 2 === 1) throw error;
      return n * 10;
    });

    expect(await queue.ask(2)).toBe(20);
    expect(await queue.ask(4, { waitMs: 5 })).toBe(40);
    await expect(queue.ask(3)).rejects.toBe(error);
    await expect(queue.ask(3, { waitMs: 5 })).rejects.toBe(error);
  });

  it("resolves with undefined when a lease on its item is done, and rejects when it failed", async () => {
    const { queue, rest } = bound(new QueueStage<string>());
    const asks = [watch(queue.ask("a")), watch(queue.ask("b", {}))];

    queue.tryGet()?.done();
    queue.tryGet()?.fail("no");
    await rest();

    expect(asks[0]?.fate).toEqual({ value: undefined });
    expect(asks[1]?.reason).toBe("no");
  });

  it.each([undefined, {}])(
    "takes its item out when it is late after 30 s: options %j",
    async (options) => {
      const stage = new QueueStage<string>();
      const ask = watch(stage.queue.ask("a", options));
      stage.queue.tryPut("b");

      await stage.advance(29_999);
      expect(ask.isPending).toBe(true);
      // Asks without options that begin within 10 ms share one deadline.
      await stage.advance(11);

      expect(ask.reason).toMatchObject({
        code: "UNJAM_WAIT_TIMEOUT",
        details: { what: 'ask in queue "q"', waitedMs: 30_000, state: "one of 2 that wait" },
      });
      expect(stage.drain()).toEqual(["b"]);
      expect(await stage.queue.join()).toEqual({ done: 1, failed: 0, errors: [] });
    },
  );

  it.each([undefined, {}])(
    "lets a consumer that has begun go on, and drops its result: options %j",
    async (options) => {
      const stage = new QueueStage<string>();
      const gate = new Gate<string>();
      stage.queue.consume(() => gate.opened, { name: "slow", concurrency: 2 });
      const ask = watch(stage.queue.ask("a", options));
      await stage.advance(30_010);
      expect(ask.reason).toMatchObject({
        code: "UNJAM_WAIT_TIMEOUT",
        details: { state: "held by slow#1" },
      });
      expect(stage.queue.unfinished).toBe(1);

      gate.open("late result");
      await stage.rest();

      expect(await stage.queue.join()).toEqual({ done: 1, failed: 0, errors: [] });
    },
  );

  it.each([undefined, {}])(
    "ends at its deadline when a lease holds its item: options %j",
    async (options) => {
      const stage = new QueueStage<string>();
      const ask = watch(stage.queue.ask("a", options));
      const lease = await stage.queue.get();

      await stage.advance(30_010);

      expect(ask.reason).toMatchObject({ details: { state: "held by a lease" } });
      lease.done();
      expect(stage.queue.unfinished).toBe(0);
    },
  );

  it("is answered by the next holder when its item was put back", async () => {
    const { queue, rest } = bound(new QueueStage<string>());
    const ask = watch(queue.ask("a"));
    queue.tryGet()?.putBack();

    queue.consume((value) => `${value}!`);
    await rest();

    expect(ask.value).toBe("a!");
  });

  it("is full, not late, when it never came in", async () => {
    const stage = aFullQueue();
    const ask = watch(stage.queue.ask("b", { waitMs: 7 }));

    await stage.advance(7);

    expect(ask.reason).toMatchObject({ code: "UNJAM_QUEUE_FULL", details: { waitedMs: 7 } });
    expect(stage.drain()).toEqual(["a"]);
  });

  it("takes its item out when its signal aborts, and lets a consumer that has begun go on", async () => {
    const { queue, rest } = bound(new QueueStage<string>());
    const stop = new AbortController();
    const gate = new Gate();
    queue.consume(() => gate.opened);
    const asks = ["a", "b"].map((value) => watch(queue.ask(value, { signal: stop.signal })));
    await rest();

    stop.abort("enough");
    await rest();
    expect(asks.map(({ reason }) => reason)).toEqual(["enough", "enough"]);
    expect([queue.size, queue.unfinished]).toEqual([0, 1]);
    gate.open();

    expect(await queue.join()).toEqual({ done: 1, failed: 0, errors: [] });
  });

  it("ends at its own deadline among asks of other moments", async () => {
    const stage = new QueueStage<string>();
    const first = watch(stage.queue.ask("a"));
    await stage.advance(15_000);
    const second = watch(stage.queue.ask("b"));
    const third = watch(stage.queue.ask("c"));
    stage.queue.tryGet()?.done();
    await stage.advance(20);
    stage.queue.tryGet()?.done();

    await stage.advance(29_990);

    expect(first.fate).toEqual({ value: undefined });
    expect(second.fate).toEqual({ value: undefined });
    expect(third.code).toBe("UNJAM_WAIT_TIMEOUT");
  });

  it("ends at the deadline of each moment in turn", async () => {
    const stage = new QueueStage<number>();
    const asks: ReturnType<typeof watch>[] = [];
    for (let n = 0; n < 3; n++) {
      asks.push(watch(stage.queue.ask(n)));
      await stage.advance(1_000);
    }
    const pendingCount = (): number => asks.filter(({ isPending }) => isPending).length;

    await stage.advance(27_010);
    expect(pendingCount()).toBe(2);
    await stage.advance(1_000);
    expect(pendingCount()).toBe(1);
    await stage.advance(1_000);

    expect(pendingCount()).toBe(0);
    expect(stage.queue.unfinished).toBe(0);
  });
});

describe("a join", () => {
  it("ends after 30 s unless told otherwise; the work goes on", async () => {
    const stage = aFullQueue();
    const join = watch(stage.queue.join());

    await stage.advance(29_999);
    expect(join.isPending).toBe(true);
    await stage.advance(1);

    expect(join.code).toBe("UNJAM_JOIN_TIMEOUT");
    expect(stage.drain()).toEqual(["a"]);
  });

  it("ends with the signal's reason", async () => {
    const { queue, rest } = bound(aFullQueue());
    const stop = new AbortController();
    const join = watch(queue.join({ signal: stop.signal, waitMs: Number.POSITIVE_INFINITY }));

    stop.abort("enough");
    await rest();

    expect(join.reason).toBe("enough");
  });
});

function aFullQueue(): QueueStage<string> {
  const stage = new QueueStage<string>({ capacity: 1, waitersMax: 10 });
  stage.queue.tryPut("a");
  return stage;
}

/** The queue of a stage, and the stage's rest as a function. */
function bound<T>(stage: QueueStage<T>): {
  readonly queue: QueueStage<T>["queue"];
  readonly rest: () => Promise<void>;
} {
  return { queue: stage.queue, rest: () => stage.rest() };
}

function countedSignal(): {
  readonly signal: AbortSignal;
  readonly counts: { added: number; removed: number };
} {
  const { signal } = new AbortController();
  const counts = { added: 0, removed: 0 };
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (...args: Parameters<typeof add>) => {
    counts.added++;
    add(...args);
  };
  signal.removeEventListener = (...args: Parameters<typeof remove>) => {
    counts.removed++;
    remove(...args);
  };
  return { signal, counts };
}
