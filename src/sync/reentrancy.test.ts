/**
 * What may run in the middle of a call: one test for each way in. Afterwards the queue holds what
 * its callers were told that it holds, and nobody waits for what is there.
 */
import { afterEach, describe, expect, it } from "vitest";
import { QueueStage, watch } from "../../test/sync/queue-stage.ts";
import { JoinableQueue } from "./joinable-queue.ts";

const undo: (() => void)[] = [];
afterEach(() => {
  for (const step of undo.splice(0)) step();
});

/** Runs a step once, however often it is called. */
function once(step: () => void): () => void {
  let isDone = false;
  return () => {
    if (isDone) return;
    isDone = true;
    step();
  };
}

describe("a listener of an event", () => {
  it("may put during a put, and the items stand in the order in which they came in", async () => {
    const stage = aFullQueue();
    const puts: unknown[] = [];
    stage.queue.on("full", () => puts.push(stage.queue.put("inner")));

    const outer = stage.queue.put("outer");

    expect(stage.drain()).toEqual(["a", "inner", "outer"]);
    expect(await Promise.all([outer, ...puts])).toEqual(["added", "added"]);
  });

  it("may close the queue during full: the put is refused, and its item is not in the queue", async () => {
    const stage = aFullQueue();
    stage.queue.on("full", () => stage.queue.close());

    await expect(stage.queue.put("b")).rejects.toMatchObject({ code: "UNJAM_QUEUE_CLOSED" });
    expect(stage.drain()).toEqual(["a"]);
    expect(stage.queue.unfinished).toBe(0);
  });

  it.each(["wait", "reject", "drop-newest", "drop-oldest", { retry: {} }] as const)(
    "may make room during full: the put comes in, by %j",
    async (whenFull) => {
      const stage = aFullQueue();
      stage.queue.on("full", () => stage.queue.tryGet()?.done());

      expect(await stage.queue.put("b", { whenFull })).toBe("added");
      expect(stage.drain()).toEqual(["b"]);
    },
  );

  it.each(["wait", "reject", "drop-newest", "drop-oldest", { retry: {} }] as const)(
    "may abort the very put during full: its item is not in the queue, by %j",
    async (whenFull) => {
      for (const makesRoom of [false, true]) {
        const stage = aFullQueue();
        const stop = new AbortController();
        stage.queue.on("full", () => {
          stop.abort("enough");
          if (makesRoom) stage.queue.tryGet()?.done();
        });
        const put = watch(stage.queue.put("b", { whenFull, signal: stop.signal }));
        const ask = watch(stage.queue.ask("c", { whenFull, signal: stop.signal }));
        await stage.rest();

        expect([put.reason, ask.reason]).toEqual(["enough", "enough"]);
        expect(stage.drain()).toEqual(makesRoom ? [] : ["a"]);
        expect(stage.queue.snapshot()).toMatchObject({
          putters: 0,
          unfinished: 0,
          droppedCount: 0,
        });
        expect(stage.queue.tryPut("next")).toBe(true);
      }
    },
  );

  it("may throw after the state has changed: the caller hears of his item all the same", async () => {
    const stage = aFullQueue();
    stage.queue.on("full", () => {
      throw new Error("listener");
    });
    const put = stage.queue.put("b", { whenFull: "drop-oldest" });

    expect(await put).toBe("added");
    expect(stage.drain()).toEqual(["b"]);
    expect(stage.log.map(({ message }) => message)).toContain("a listener of queue.on() threw");
  });

  it("may throw what cannot be put into words", async () => {
    const stage = aFullQueue();
    stage.queue.on("full", () => {
      throw Object.create(null);
    });

    expect(await stage.queue.put("b", { whenFull: "drop-oldest" })).toBe("added");
  });
});

describe("a logger", () => {
  it("may throw: the caller hears of his item all the same", async () => {
    const fail = (): never => {
      throw new Error("disk full");
    };
    const stage = new QueueStage<string>({
      capacity: 1,
      logger: { info: fail, warn: fail, error: fail },
    });
    stage.queue.tryPut("a");

    expect(await stage.queue.put("b", { whenFull: "drop-oldest" })).toBe("added");
    expect(stage.drain()).toEqual(["b"]);
  });
});

describe("options", () => {
  it("may put from a getter, a Proxy or a toJSON: the capacity holds", async () => {
    const stage = new QueueStage<unknown>({ capacity: 1 });
    const { queue } = stage;
    const putInner = once(() => queue.tryPut("inner"));
    const options = new Proxy(
      {
        get waitMs() {
          putInner();
          return 5;
        },
      },
      { ownKeys: (target) => (putInner(), Reflect.ownKeys(target)) },
    );
    const put = watch(queue.put({ toJSON: putInner }, options));

    await stage.advance(5);

    expect(put.code).toBe("UNJAM_QUEUE_FULL");
    expect(stage.drain()).toEqual(["inner"]);
  });

  it("may close the queue from a getter: nothing comes in", async () => {
    const { queue } = new QueueStage<string>();
    const options = {
      get waitMs() {
        queue.close();
        return 5;
      },
    };

    await expect(queue.put("a", options)).rejects.toMatchObject({ code: "UNJAM_QUEUE_CLOSED" });
    await expect(queue.ask("a", options)).rejects.toMatchObject({ code: "UNJAM_QUEUE_CLOSED" });
    await expect(queue.get(options)).rejects.toMatchObject({ code: "UNJAM_QUEUE_CLOSED" });
    expect(queue.unfinished).toBe(0);
  });

  it("of consume may close the queue from a getter: nobody consumes it", async () => {
    const { queue } = new QueueStage<string>();
    const options = {
      get concurrency() {
        queue.close();
        return 1;
      },
    };

    expect(() => queue.consume(() => undefined, options)).toThrow(
      expect.objectContaining({ code: "UNJAM_QUEUE_CLOSED" }),
    );
    expect(queue.consumers).toBe(0);
  });

  it("of a queue are read once, so that what was checked is what is used", () => {
    const answers: unknown[] = [() => "checked", "not a function"];
    const by: unknown[] = [() => 1, "not a function"];
    const queue = new JoinableQueue<string>({
      get describe() {
        return answers.shift() as () => string;
      },
      order: {
        get by() {
          return by.shift() as () => number;
        },
      },
    });
    queue.tryPut("a");
    const lease = queue.tryGet();

    expect(queue.holders()[0]?.value).toBe("checked");
    lease?.done();
  });
});

describe("valueOf", () => {
  let askedCount = 0;
  const sly = {
    valueOf: () => ++askedCount,
    toString: () => `${++askedCount}`,
    [Symbol.toPrimitive]: () => ++askedCount,
  } as unknown as number;
  const calls: Readonly<Record<string, (queue: JoinableQueue<number>) => unknown>> = {
    "new, capacity": () => new JoinableQueue({ capacity: sly }),
    "new, waitersMax": () => new JoinableQueue({ waitersMax: sly }),
    "new, whenFull": () => new JoinableQueue({ whenFull: { retry: { firstMs: sly } } }),
    "put, waitMs": (queue) => queue.put(2, { waitMs: sly }),
    "put, whenFull": (queue) => queue.put(2, { whenFull: { retry: { maxMs: sly } } }),
    "put, a rank": (queue) => queue.put(sly),
    "tryPut, a rank": (queue) => queue.tryPut(sly),
    "ask, waitMs": (queue) => queue.ask(2, { waitMs: sly }),
    "ask, whenFull": (queue) => queue.ask(2, { whenFull: { retry: { factor: sly } } }),
    "get, waitMs": (queue) => queue.get({ waitMs: sly }),
    "items, waitMs": (queue) => queue.items({ waitMs: sly }).next(),
    "join, waitMs": (queue) => queue.join({ waitMs: sly }),
    "consume, concurrency": (queue) => queue.consume(() => 1, { concurrency: sly }),
    "consume, restarts.max": (queue) => queue.consume(() => 1, { restarts: { max: sly } }),
    "consume, restarts.perMs": (queue) => queue.consume(() => 1, { restarts: { perMs: sly } }),
    "stop, graceMs": () => new JoinableQueue().consume(() => 1).stop({ graceMs: sly }),
  };

  it.each(Object.entries(calls))("of a number is not asked: %s is refused", async (_, call) => {
    askedCount = 0;
    const queue = new JoinableQueue<number>({ order: { by: (rank) => rank } });
    queue.tryPut(1);

    await expect((async () => call(queue))()).rejects.toMatchObject({
      code: "UNJAM_INVALID_OPTION",
    });
    expect([askedCount, queue.size, queue.unfinished, queue.consumers]).toEqual([0, 1, 1, 0]);
  });
});

describe("a ranking function", () => {
  it("may change the queue that it ranks for", async () => {
    const stage: QueueStage<number> = new QueueStage<number>({ capacity: 3, order: { by: rank } });
    const { queue } = stage;
    const putMore = once(() => {
      for (let n = 0; n < 5; n++) queue.tryPut(n);
    });
    function rank(n: number): number {
      if (n === 9) putMore();
      return n;
    }
    const put = watch(queue.put(9));
    expect(queue.size).toBe(3);

    expect([...stage.drain(), put.isPending]).toEqual([0, 1, 2, 9, true]);
    await stage.rest();
    expect(put.value).toBe("added");
  });

  it("may close the queue: the value is refused", async () => {
    const stage: QueueStage<number> = new QueueStage<number>({ order: { by: rank } });
    function rank(n: number): number {
      stage.queue.close();
      return n;
    }

    expect(stage.queue.tryPut(1)).toBe(false);
    await expect(stage.queue.put(1)).rejects.toMatchObject({ code: "UNJAM_QUEUE_CLOSED" });
  });

  it("may abort the very put: its item is not in the queue", async () => {
    const stop = new AbortController();
    const by = (n: number): number => {
      stop.abort("enough");
      return n;
    };
    const stage = new QueueStage<number>({ order: { by } });

    await expect(stage.queue.put(1, { signal: stop.signal })).rejects.toBe("enough");
    const again = new AbortController();
    const other = new QueueStage<number>({
      capacity: 1,
      order: { by: (n) => (n === 2 && again.abort("enough"), n) },
    });
    other.queue.tryPut(1);
    await expect(other.queue.ask(2, { signal: again.signal })).rejects.toBe("enough");
    expect([stage.queue.unfinished, other.queue.unfinished]).toEqual([0, 1]);
  });
});

describe("a listener of an abort", () => {
  it("may change the lines of those who wait: all others are served", async () => {
    const stage = aFullQueue();
    const stop = new AbortController();
    const late = new AbortController();
    stop.signal.addEventListener("abort", () => {
      stage.queue.tryGet()?.done();
      late.abort("late");
    });
    const first = watch(stage.queue.put("b", { signal: stop.signal }));
    const second = watch(stage.queue.put("c", { signal: late.signal }));
    const third = watch(stage.queue.put("d"));
    stop.signal.addEventListener("abort", () => stage.queue.tryPut("e"));

    stop.abort("enough");
    await stage.rest();

    // The first listener made room while the first put still waited: it was served, not aborted.
    expect([first.value, second.reason, third.isPending]).toEqual(["added", "late", true]);
    expect(stage.drain()).toEqual(["b", "d"]);
  });
});

describe("a getter of then", () => {
  it("of a value or of a result may put: each item goes to one, and none is lost", async () => {
    const stage = new QueueStage<unknown>({ capacity: 1, waitersMax: 9 });
    const { queue } = stage;
    const putMore = once(() => queue.tryPut("B"));
    const sly = {
      // oxlint-disable-next-line unicorn/no-thenable -- the trap.
      get then() {
        putMore();
        return undefined;
      },
    };
    const first = queue.get();
    const second = queue.get();

    await queue.put(sly);
    expect((await first).value).toBe(sly);
    queue.tryPut("B");
    expect((await second).value).toBe("B");
    const consumer = queue.consume(() => sly);
    expect(await queue.ask("ask")).toBe(sly);
    await stage.rest();

    expect([queue.size, queue.holders().length]).toEqual([0, 2]);
    consumer.stop();
  });

  it("of Object.prototype may run in every resolve: each item goes to one, and none is lost", async () => {
    const stage = new QueueStage<number>({ capacity: 1, waitersMax: 9 });
    const { queue } = stage;
    const seen: number[] = [];
    let hitCount = 0;
    queue.consume((n) => void seen.push(n), { concurrency: 2 });
    await stage.rest();
    const got = queue.get().then((lease) => {
      seen.push(lease.value);
      lease.done();
    });
    const join = [watch(queue.put(1)), watch(queue.ask(2)), watch(queue.join())];
    // oxlint-disable-next-line no-extend-native, unicorn/no-thenable -- this is the damage that the queue must survive.
    Object.defineProperty(Object.prototype, "then", {
      configurable: true,
      get() {
        hitCount++;
        if (hitCount < 10) queue.tryPut(10 + hitCount);
        if (hitCount === 20) queue.close();
        return undefined;
      },
    });
    undo.push(() => Reflect.deleteProperty(Object.prototype, "then"));
    for (let n = 100; n < 120; n++) queue.tryPut(n);

    await stage.rest();
    Reflect.deleteProperty(Object.prototype, "then");
    queue.close();
    await got;
    await stage.rest();

    expect(hitCount).toBeGreaterThan(0);
    expect(new Set(seen).size).toBe(seen.length);
    expect(join.map(({ isPending }) => isPending)).toEqual([false, false, false]);
    expect(queue.snapshot()).toMatchObject({ size: 0, unfinished: 0, takers: 0, holders: [] });
  });

  it("of Object.prototype that throws harms nobody who consumes", async () => {
    const stage = new QueueStage<number>();
    const seen: number[] = [];
    stage.queue.consume((n) => void seen.push(n));
    await stage.rest();
    // oxlint-disable-next-line no-extend-native, unicorn/no-thenable -- this is the damage that the queue must survive.
    Object.defineProperty(Object.prototype, "then", {
      configurable: true,
      get() {
        throw new Error("polluted");
      },
    });
    undo.push(() => Reflect.deleteProperty(Object.prototype, "then"));

    stage.queue.tryPut(1);
    Reflect.deleteProperty(Object.prototype, "then");
    await stage.rest();
    stage.queue.tryPut(2);
    await stage.rest();

    expect(seen).toEqual([1, 2]);
    expect(stage.queue.unfinished).toBe(0);
  });
});

function aFullQueue(): QueueStage<string> {
  const stage = new QueueStage<string>({ capacity: 1, waitersMax: 10 });
  stage.queue.tryPut("a");
  return stage;
}
