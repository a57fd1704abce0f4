/** What the runtime may run in the middle of a call: see reentrancy.test.ts. */
import { createHook } from "node:async_hooks";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { readdirSync, readFileSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { afterEach, describe, expect, it } from "vitest";
import { QueueStage, watch } from "../../test/sync/queue-stage.ts";

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

  it("may ask a loop for its next item while that ends the one before: each ends once", async () => {
    const { queue, clock } = new QueueStage<string>();
    const loop = queue.items();
    for (const value of ["a", "b", "c"]) watch(queue.ask(value));
    await loop.next();
    const nexts: ReturnType<typeof watch>[] = [];
    const next = (): void => void nexts.push(watch(loop.next()));
    // The first that is resolved is the answer to the ask for "a".
    const hook = createHook({ promiseResolve: once(next) }).enable();

    next();
    hook.disable();
    await clock.rest();

    expect(nexts.map(({ value }) => value)).toEqual([
      { done: false, value: "b" },
      { done: false, value: "c" },
    ]);
    expect(queue.unfinished).toBe(1);
    await loop.return?.();
    expect(queue.snapshot()).toMatchObject({ unfinished: 0, holders: [] });
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

  it("may take for each who comes in, however many wait: the stack does not grow", async () => {
    const stage = new QueueStage<number>({ capacity: 1, waitersMax: 20_000 });
    const { queue } = stage;
    queue.tryPut(0);
    const puts = Array.from({ length: 20_000 }, (_, n) => queue.put(n + 1));
    const hook = createHook({ promiseResolve: () => queue.tryGet()?.done() });

    hook.enable();
    queue.tryGet()?.done();
    hook.disable();
    await Promise.all(puts);

    expect(queue.unfinished).toBe(0);
  });

  it("may empty the queue while others come in: who puts then stands behind those who wait", async () => {
    const stage = new QueueStage<string>({ capacity: 2, waitersMax: 9 });
    const { queue } = stage;
    const told: unknown[] = [];
    for (const value of ["a", "b"]) queue.tryPut(value);
    const puts = ["c", "d", "e"].map((value) => watch(queue.put(value)));
    hooked(
      once(() => {
        while (queue.tryGet() !== undefined) continue;
        told.push(queue.size, queue.tryPut("jumps"));
        puts.push(watch(queue.put("f", { whenFull: "drop-oldest" })));
      }),
      () => queue.tryGet(),
    );
    await stage.rest();

    expect(told).toEqual([0, false]);
    expect([...stage.drain(), queue.snapshot().droppedCount]).toEqual(["d", "e", "f", 0]);
    await stage.rest();
    expect(puts.map(({ value }) => value)).toEqual(["added", "added", "added", "added"]);
  });

  it("may take what a drop is about to take out: each item goes to one", async () => {
    for (const end of ["close", "death"] as const) {
      const stage = new QueueStage<string>();
      const { queue } = stage;
      const asks = ["a", "b", "c", "d"].map((value) => watch(queue.ask(value, {})));
      const taken: string[] = [];
      const take = (): void => {
        const lease = queue.tryGet();
        if (lease === undefined) return;
        taken.push(lease.value);
        lease.done();
      };
      if (end === "close") hooked(once(take), () => queue.close({ drop: true }));
      else {
        queue.on("died", () => hook.enable());
        const hook = createHook({ init: once(take) });
        queue.on("broken", () => hook.disable());
        queue.consume(() => Promise.reject(new Error("bad")), { restarts: { max: 0 } });
      }
      await stage.rest();

      expect(taken).toHaveLength(1);
      expect(asks.map(({ isPending }) => isPending)).toEqual([false, false, false, false]);
      expect(asks.filter(({ fate }) => fate !== "pending" && "value" in fate)).toHaveLength(1);
      expect(queue.unfinished).toBe(0);
    }
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
