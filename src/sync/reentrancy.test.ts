/**
 * What may run in the middle of a call: one test for each way in. Afterwards the queue holds what
 * its callers were told that it holds, and nobody waits for what is there.
 */
import { createHook } from "node:async_hooks";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { readdirSync, readFileSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { afterEach, describe, expect, it } from "vitest";
import { QueueStage, watch } from "../../test/sync/queue-stage.ts";
import { JoinableQueue } from "./joinable-queue.ts";
import type { Lease } from "./lease.ts";

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
    queue.tryGet();

    expect(queue.holders()[0]?.value).toBe("checked");
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
    // oxlint-disable-next-line no-extend-native -- this is the damage that the queue must survive.
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
    // oxlint-disable-next-line no-extend-native -- this is the damage that the queue must survive.
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

describe("a hook of async_hooks", () => {
  /** Calls `step` whenever something asynchronous is made or resolved inside `body`. */
  function hooked(step: () => void, body: () => void): void {
    let isInside = false;
    const run = (): void => {
      if (!isInside) return;
      isInside = false;
      step();
      isInside = true;
    };
    const hook = createHook({ init: run, promiseResolve: run }).enable();
    isInside = true;
    body();
    isInside = false;
    hook.disable();
  }

  it("may fill the queue from inside a put or an ask: the capacity holds", async () => {
    const stage = new QueueStage<string>({ capacity: 1, waitersMax: 100 });
    const { queue } = stage;
    for (const add of [
      () => queue.ask("ask"),
      () => queue.put("put"),
      () => queue.put("put", {}),
    ]) {
      const fill = once(() => queue.tryPut("hook"));
      hooked(fill, () => watch(add()));
      expect(queue.size).toBe(1);
      stage.drain();
    }
    expect(queue.unfinished).toBe(0);
  });

  it("may close the queue from inside an ask, a put or a get: none waits for what cannot come", async () => {
    for (const call of ["ask", "put", "get"] as const) {
      const { queue, clock } = new QueueStage<string>();
      const waits: ReturnType<typeof watch>[] = [];

      hooked(
        once(() => queue.close()),
        () => waits.push(watch(call === "get" ? queue.get() : queue[call]("a", { waitMs: 9 }))),
      );
      hooked(
        once(() => queue.close()),
        () => waits.push(watch(call === "get" ? queue.get() : queue[call]("a"))),
      );
      await clock.rest();

      expect(queue.snapshot()).toMatchObject({ unfinished: 0, takers: 0, putters: 0 });
      for (const wait of waits) expect(wait.code).toBe("UNJAM_QUEUE_CLOSED");
    }
  });

  it("may stop a consumer or close the queue wherever it runs: the consumer ends", async () => {
    for (const end of ["stop", "close"] as const) {
      for (let skipped = 0; skipped < 60; skipped++) {
        const { queue, clock } = new QueueStage<string>();
        let count = 0;
        const hook = createHook({
          init: () => {
            if (count++ !== skipped) return;
            if (end === "stop") consumer.stop();
            else queue.close();
          },
        });
        const consumer = queue.consume(() => undefined, { concurrency: 2 });
        const finished = watch(consumer.finished);
        queue.tryPut("a");
        hook.enable();
        await clock.rest();
        hook.disable();
        if (count <= skipped) consumer.stop();
        await clock.rest();

        expect({ end, skipped, isPending: finished.isPending }).toEqual({
          ...{ end, skipped },
          isPending: false,
        });
        expect(queue.snapshot().takers).toBe(0);
      }
    }
  });

  it("may abort the very get or put while it begins", async () => {
    const { queue, clock } = aFullQueue();
    const waits: ReturnType<typeof watch>[] = [];
    for (const call of ["put", "ask", "join"] as const) {
      for (let skipped = 0; skipped < 8; skipped++) {
        const stop = new AbortController();
        let count = 0;
        const { signal } = stop;
        hooked(
          () => count++ === skipped && stop.abort("enough"),
          () =>
            waits.push(
              watch(call === "join" ? queue.join({ signal }) : queue[call]("b", { signal })),
            ),
        );
        stop.abort("enough");
      }
    }
    await clock.rest();

    for (const { reason } of waits) expect(reason).toBe("enough");
    expect(queue.snapshot()).toMatchObject({ size: 1, unfinished: 1, putters: 0 });
  });

  it("may take from inside a take: each item goes to one", async () => {
    const stage = new QueueStage<number>({ capacity: 3, waitersMax: 100 });
    const { queue } = stage;
    const taken: number[] = [];
    const take = (): void => {
      const lease = queue.tryGet();
      if (lease === undefined) return;
      taken.push(lease.value);
      lease.done();
    };
    for (let n = 0; n < 30; n++) watch(queue.put(n));

    hooked(take, take);
    for (let n = 0; n < 30; n++) take();
    await stage.rest();

    expect(taken.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 30 }, (_, n) => n));
    expect(queue.unfinished).toBe(0);
  });
});

describe("a channel of diagnostics_channel", () => {
  it("has no part in a call, because the queue publishes nothing: no source of it knows a channel", async () => {
    const folder = new URL("./", import.meta.url);
    const sources = readdirSync(folder).filter((name) => !name.endsWith(".test.ts"));
    for (const name of sources) {
      expect(readFileSync(new URL(name, folder), "utf8")).not.toMatch(/diagnostics_channel/);
    }
    const heard: unknown[] = [];
    const names = ["unjam", "unjam:queue", "unjam.sync", "q"];
    const listen = (message: unknown): void => void heard.push(message);
    for (const name of names) subscribe(name, listen);
    undo.push(() => names.forEach((name) => unsubscribe(name, listen)));
    const { queue } = new QueueStage<string>();

    queue.tryPut("a");
    (await queue.get()).done();

    expect(heard).toEqual([]);
  });
});

describe("the return of an iterator", () => {
  it("may be called while next is awaited: the item goes to somebody else", async () => {
    const stage = new QueueStage<string>();
    const loop = stage.queue[Symbol.asyncIterator]();
    const next = watch(loop.next());
    await stage.rest();

    await loop.return?.();
    stage.queue.tryPut("a");
    await stage.rest();

    expect(next.value).toEqual({ done: true, value: undefined });
    expect(stage.drain()).toEqual(["a"]);
    expect(stage.queue.snapshot()).toMatchObject({ unfinished: 0, takers: 0, consumers: 0 });
  });
});

describe("a stack overflow", () => {
  it("inside any call leaves the queue whole: what was told is what is there", async () => {
    const stage = new QueueStage<number>({ capacity: 1_000_000, diagnostics: "off" });
    const { queue } = stage;
    const waiting = Array.from({ length: 200 }, () => watch(queue.get()));
    let addedCount = 0;
    let doneCount = 0;
    /** Of which done met the end of the stack. */
    const unsettled = new Set<Lease<number>>();
    const steps = [
      () => {
        if (queue.tryPut(1)) addedCount++;
      },
      () => {
        watch(queue.put(2));
        addedCount++;
      },
      () => {
        const lease = queue.tryGet();
        if (lease === undefined) return;
        unsettled.add(lease);
        lease.done();
        unsettled.delete(lease);
        doneCount++;
      },
    ];
    let calls = 0;
    /** Calls a step at every depth down to the last one that the stack has. */
    const dig = (pad: number): number => {
      try {
        steps[calls++ % steps.length]?.();
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
      }
      return dig(pad + 1) + 1;
    };

    for (let round = 0; round < 30; round++) {
      expect(() => dig(0)).toThrow(RangeError);
    }
    for (const lease of unsettled) {
      lease.done();
      doneCount++;
    }
    await stage.rest();

    const leasedCount = waiting.filter(({ isPending }) => !isPending).length;
    expect(queue.unfinished).toBe(addedCount - doneCount);
    expect(queue.size).toBe(addedCount - doneCount - leasedCount);
    expect(queue.holders()).toHaveLength(leasedCount);
    expect(queue.size === 0 || leasedCount === waiting.length).toBe(true);
    expect(stage.drain()).toHaveLength(addedCount - doneCount - leasedCount);
  });
});

describe("the handler of an exit", () => {
  it("may call tryPut, tryGet and close, also when the exit came from inside a put", () => {
    const source = new URL("./joinable-queue.ts", import.meta.url).href;
    const program = `
      import { JoinableQueue } from ${JSON.stringify(source)};
      const queue = new JoinableQueue({ capacity: 2 });
      queue.tryPut("a");
      process.on("exit", () => {
        const before = [queue.size, queue.unfinished];
        const put = queue.tryPut("c");
        const full = queue.tryPut("d");
        const lease = queue.tryGet();
        lease.done();
        queue.close();
        const told = { before, put, full, value: lease.value, after: queue.tryPut("e"), snapshot: queue.snapshot() };
        console.log(JSON.stringify(told));
      });
      queue.tryPut("b");
      queue.on("full", () => { queue.tryGet().done(); process.exit(0); });
      queue.put("x");
    `;

    const { stdout, stderr } = spawnSync(
      process.execPath,
      ["--input-type=module", "--eval", program],
      { encoding: "utf8" },
    );

    expect(stdout, stderr).not.toBe("");
    expect(JSON.parse(stdout)).toMatchObject({
      ...{ before: [1, 1], put: true, full: false, value: "b", after: false },
      snapshot: { phase: "closed", size: 1, unfinished: 1, takers: 0 },
    });
  });
});

function aFullQueue(): QueueStage<string> {
  const stage = new QueueStage<string>({ capacity: 1, waitersMax: 10 });
  stage.queue.tryPut("a");
  return stage;
}
