/** What may run in the middle of a call of a shared queue: afterwards it holds what its callers were told. */
import { afterEach, describe, expect, it } from "vitest";
import { SharedQueue } from "./shared-queue.ts";

const undo: (() => void)[] = [];
afterEach(() => {
  for (const step of undo.splice(0)) step();
});

function drain(queue: SharedQueue): readonly unknown[] {
  const values: unknown[] = [];
  for (let lease = queue.tryGet(); lease !== undefined; lease = queue.tryGet()) {
    values.push(lease.value);
    lease.done();
  }
  return values;
}

describe("code of the user that runs in a put", () => {
  it("may put from a toJSON or a getter: the capacity holds, and nothing is overwritten", async () => {
    const queue = new SharedQueue({ capacity: 2 });
    const toJSON = (): string => {
      queue.tryPut("inner");
      return "outer";
    };
    const getter = {
      get a() {
        queue.tryPut("third");
        return 1;
      },
    };
    expect(queue.tryPut({ toJSON })).toBe(true);
    await expect(queue.put(getter, { waitMs: 5 })).rejects.toMatchObject({
      code: "UNJAM_QUEUE_FULL",
    });

    expect(drain(queue)).toEqual(["inner", "outer"]);
    expect(queue.unfinished).toBe(0);
  });

  it("may take from a toJSON, also the last item", () => {
    const queue = new SharedQueue({ capacity: 1 });
    queue.tryPut("first");
    const taken: unknown[] = [];
    const isIn = queue.tryPut({ toJSON: () => taken.push(...drain(queue)) });

    expect([isIn, taken, drain(queue)]).toEqual([true, ["first"], [1]]);
  });

  it.each(["toJSON", "an option"])("may close the queue from %s: nothing comes in", async (by) => {
    const queue = new SharedQueue();
    const close = (): number => {
      queue.close();
      return 5;
    };
    const options = {
      get waitMs() {
        return by === "toJSON" ? 5 : close();
      },
    };
    const value = by === "toJSON" ? { toJSON: close } : "a";

    await expect(queue.put(value, options)).rejects.toMatchObject({ code: "UNJAM_QUEUE_CLOSED" });
    expect(queue.unfinished).toBe(0);
  });

  it("may throw: nothing is in the queue, and its memory is free", () => {
    const queue = new SharedQueue({ capacity: 1, heldMax: 1 });
    const toJSON = (): never => {
      throw new Error("no");
    };
    for (let n = 0; n < 10; n++) {
      expect(() => queue.tryPut({ toJSON })).toThrow(
        expect.objectContaining({ code: "UNJAM_ITEM_NOT_SERIALIZABLE" }),
      );
    }

    expect(queue.tryPut("a")).toBe(true);
    expect(drain(queue)).toEqual(["a"]);
  });

  it("may abort the very put: its item is not in the queue", async () => {
    const queue = new SharedQueue();
    const stop = new AbortController();
    const toJSON = (): string => {
      stop.abort("enough");
      return "a";
    };

    await expect(queue.put({ toJSON }, { signal: stop.signal })).rejects.toBe("enough");
    expect(queue.unfinished).toBe(0);
  });
});

describe("a listener of a signal", () => {
  it("may put, take and abort others while waiters are sent away: none is forgotten", async () => {
    const queue = new SharedQueue<string>({ capacity: 1 });
    await queue.put("first");
    const stops = [new AbortController(), new AbortController()];
    const late = stops.map(({ signal }, n) => queue.put(`late ${n}`, { signal }));
    const last = queue.put("last");
    stops[0]?.signal.addEventListener("abort", () => {
      stops[1]?.abort("second");
      expect(drain(queue)).toEqual(["first"]);
    });
    stops[0]?.abort("first");
    const results = await Promise.allSettled(late);
    await last;

    expect(results).toMatchObject([{ reason: "first" }, { reason: "second" }]);
    expect(drain(queue)).toEqual(["last"]);
  });
});

describe("a then on Object.prototype", () => {
  it("may use the queue while waiters are served: each item goes to one", async () => {
    const queue = new SharedQueue<number>();
    const gets = [queue.get(), queue.get(), queue.get()];
    let depth = 0;
    // oxlint-disable-next-line no-extend-native, unicorn/no-thenable -- the trap itself.
    Object.defineProperty(Object.prototype, "then", {
      configurable: true,
      get() {
        if (depth++ < 3) queue.tryPut(10 + depth);
        return undefined;
      },
    });
    undo.push(() => Reflect.deleteProperty(Object.prototype, "then"));
    for (const n of [1, 2, 3]) queue.tryPut(n);
    const values = await Promise.all(gets.map(async (get) => (await get).value));
    undo.pop()?.();

    expect(values).toEqual([1, 2, 3]);
    expect(new Set(drain(queue)).size).toBe(depth > 3 ? 3 : depth);
  });
});

describe("a caller at the end of his stack", () => {
  it("finds the queue whole, whatever call failed", () => {
    const queue = new SharedQueue<number>({ capacity: 64, heldMax: 8 });
    let putCount = 0;
    const recurse = (): void => {
      try {
        if (queue.tryPut(1)) putCount++;
        const lease = queue.tryGet();
        if (lease !== undefined) putCount--;
        lease?.done();
      } catch {
        // Stack overflow: the call changed nothing.
      }
      recurse();
    };
    for (let n = 0; n < 20; n++) expect(recurse).toThrow(RangeError);
    const left = drain(queue).length;

    expect(left).toBe(putCount);
    expect(queue.unfinished).toBe(0);
    const places = Array.from({ length: 65 }, () => queue.tryPut(1));
    expect(places.filter(Boolean)).toHaveLength(64);
  });
});
