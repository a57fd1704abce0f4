import { describe, expect, it } from "vitest";
import { SharedQueue } from "./shared-queue.ts";

describe("a shared queue in one thread", () => {
  it("hands out items in the order in which they were put", async () => {
    const queue = new SharedQueue<number>({ capacity: 10 });
    for (const n of [1, 2, 3]) await queue.put(n);

    const leases = [await queue.get(), await queue.get(), await queue.get()];

    expect(leases.map(({ value }) => value)).toEqual([1, 2, 3]);
    for (const lease of leases) lease.done();
    expect(queue.snapshot()).toMatchObject({ size: 0, unfinished: 0, holders: [] });
  });

  it("never holds more than its capacity, through many laps", () => {
    for (const capacity of [1, 2, 3, 16, 17]) {
      const queue = new SharedQueue<number>({ capacity, heldMax: 2 });
      for (let lap = 0; lap < 100; lap++) {
        const isIn = Array.from({ length: capacity + 2 }, (_, n) => queue.tryPut(n));
        expect(isIn.filter(Boolean)).toHaveLength(capacity);
        const values = Array.from({ length: capacity }, () => {
          const lease = queue.tryGet();
          lease?.done();
          return lease?.value;
        });
        expect(values).toEqual(Array.from({ length: capacity }, (_, n) => n));
      }
      expect(queue.tryGet()).toBeUndefined();
    }
  });

  it("counts what is held not against its capacity, but as unfinished", () => {
    const queue = new SharedQueue<string>({ capacity: 1 });
    queue.tryPut("a");
    const lease = queue.tryGet();

    expect(queue.tryPut("b")).toBe(true);
    expect(queue.unfinished).toBe(2);
    lease?.done();
    expect(queue.unfinished).toBe(1);
  });

  it("takes in no more than heldMax allows to be held, and says so", async () => {
    const queue = new SharedQueue<number>({ capacity: 2, heldMax: 1 });
    const leases = [];
    for (let n = 0; n < 3; n++) {
      queue.tryPut(n);
      leases.push(queue.tryGet());
    }

    await expect(queue.put(4, { waitMs: 5 })).rejects.toMatchObject({
      code: "UNJAM_QUEUE_MEMORY_FULL",
    });
    leases[0]?.done();
    await queue.put(4);
    expect(queue.tryGet()?.value).toBe(4);
  });

  it.each([
    ["a text beyond ASCII", "Grüße, 世界, 🎉"],
    ["an empty text", ""],
    ["null", null],
    ["a record", { a: [1, { b: "c" }], d: 1.5 }],
    ["a text that fills its place to the last byte", "x".repeat(254)],
    ["a text larger than its place", "ü".repeat(200)],
    ["a text of many pages", "é".repeat(100_000)],
  ])("brings %s through as it was", async (_, value) => {
    const queue = new SharedQueue();
    await queue.put(value);

    expect((await queue.get()).value).toEqual(value);
  });

  it.each([0, 1, 255, 256, 257, 4_096, 4_097, 262_144])(
    "brings %i raw bytes through as a copy",
    async (length) => {
      const queue = new SharedQueue<Uint8Array>();
      const bytes = Uint8Array.from({ length }, (_, n) => n % 251);
      await queue.put(bytes);
      const { value } = await queue.get();

      expect(Buffer.compare(value, bytes)).toBe(0);
      expect(value.buffer).toBeInstanceOf(ArrayBuffer);
    },
  );

  it("keeps dates, maps and BigInts with the format clone", async () => {
    const queue = new SharedQueue({ format: "clone" });
    const value = { at: new Date(5), sizes: new Map([["a", 1n]]) };
    await queue.put(value);

    expect((await queue.get()).value).toEqual(value);
  });

  it("gives the room of large items back", async () => {
    const queue = new SharedQueue<Uint8Array>({ itemBytesMax: 10_000, largeBytesMax: 20_000 });
    const large = new Uint8Array(10_000);
    for (let n = 0; n < 50; n++) {
      await queue.put(large);
      (await queue.get()).done();
    }

    expect(queue.tryPut(large)).toBe(true);
    await expect(queue.put(large, { waitMs: 5 })).rejects.toMatchObject({
      code: "UNJAM_QUEUE_MEMORY_FULL",
    });
  });

  it("refuses what is too large, what is no JSON, and what cannot be cloned", async () => {
    const queue = new SharedQueue({ itemBytesMax: 100 });
    const clones = new SharedQueue({ format: "clone" });
    const cycle: { self?: unknown } = {};
    cycle.self = cycle;

    await expect(queue.put("x".repeat(99))).rejects.toMatchObject({ code: "UNJAM_ITEM_TOO_LARGE" });
    for (const value of [undefined, () => 1, cycle, 1n]) {
      await expect(queue.put(value)).rejects.toMatchObject({ code: "UNJAM_ITEM_NOT_SERIALIZABLE" });
    }
    await expect(clones.put(() => 1)).rejects.toMatchObject({
      code: "UNJAM_ITEM_NOT_SERIALIZABLE",
    });
    expect(queue.unfinished).toBe(0);
  });

  it("refuses calls that would block the main thread", () => {
    const queue = new SharedQueue<number>();

    expect(() => queue.getSync()).toThrow(
      expect.objectContaining({ code: "UNJAM_BLOCKING_ON_MAIN" }),
    );
    expect(() => queue.putSync(1)).toThrow(
      expect.objectContaining({ code: "UNJAM_BLOCKING_ON_MAIN" }),
    );
  });

  it.each([undefined, null, 1, {}, { kind: "unjam/shared-queue" }])(
    "is not opened by %j",
    (handle) => {
      expect(() => SharedQueue.from(handle as never)).toThrow(
        expect.objectContaining({ code: "UNJAM_HANDLE_INVALID" }),
      );
    },
  );

  it("is not opened by the handle of other memory", () => {
    const memory = new SharedArrayBuffer(1_024);

    expect(() => SharedQueue.from({ kind: "unjam/shared-queue", name: "q", memory })).toThrow(
      expect.objectContaining({ code: "UNJAM_HANDLE_INVALID" }),
    );
  });
});

describe("a wait at a shared queue", () => {
  it("for room ends when there is room, in order", async () => {
    const queue = new SharedQueue<number>({ capacity: 1 });
    const puts = [1, 2, 3].map((n) => queue.put(n));
    const values = [];
    for (let n = 0; n < 3; n++) {
      const lease = await queue.get();
      values.push(lease.value);
      lease.done();
    }
    await Promise.all(puts);

    expect(values).toEqual([1, 2, 3]);
  });

  it("for an item ends when there is one, first come first served", async () => {
    const queue = new SharedQueue<number>();
    const gets = [queue.get(), queue.get()];
    for (const n of [1, 2]) await queue.put(n);

    expect((await Promise.all(gets)).map(({ value }) => value)).toEqual([1, 2]);
  });

  it("ends at its deadline, and changes nothing then", async () => {
    const queue = new SharedQueue<number>({ capacity: 1, name: "small" });
    await expect(queue.get({ waitMs: 5 })).rejects.toMatchObject({ code: "UNJAM_WAIT_TIMEOUT" });
    await expect(queue.get({ waitMs: 0 })).rejects.toMatchObject({ code: "UNJAM_WAIT_TIMEOUT" });
    await queue.put(1);
    for (const waitMs of [0, 5]) {
      await expect(queue.put(2, { waitMs })).rejects.toMatchObject({
        code: "UNJAM_QUEUE_FULL",
        details: { queue: "small", capacity: 1, waitedMs: waitMs },
      });
    }

    expect(queue.unfinished).toBe(1);
  });

  it("ends with the reason of its signal", async () => {
    const queue = new SharedQueue<number>({ capacity: 1 });
    await queue.put(1);
    const stop = new AbortController();
    const { signal } = stop;
    const waits = [queue.put(2, { signal }), queue.join({ signal })];
    stop.abort("enough");

    for (const wait of waits) await expect(wait).rejects.toBe("enough");
    await expect(queue.put(2, { signal })).rejects.toBe("enough");
    await expect(queue.get({ signal })).rejects.toBe("enough");
  });
});

describe("a join", () => {
  it("tells what was done and failed since the last one, with the first errors", async () => {
    const queue = new SharedQueue<string>();
    await queue.put("good");
    await queue.put("bad");
    (await queue.get()).done();
    (await queue.get()).fail(new RangeError("too bad"));

    const result = await queue.join();
    expect(result).toMatchObject({ done: 1, failed: 1, errors: [{ value: '"bad"' }] });
    expect(result.errors[0]?.error).toMatchObject({ name: "RangeError", message: "too bad" });
    expect(await queue.join()).toEqual({ done: 0, failed: 0, errors: [] });
  });

  it("waits for what is held, and for what comes back", async () => {
    const queue = new SharedQueue<string>();
    await queue.put("a");
    const join = queue.join();
    (await queue.get()).putBack();
    const lease = await queue.get();
    lease.done();

    expect(await join).toMatchObject({ done: 1 });
  });

  it("that is late names who holds what, since when and taken where", async () => {
    const queue = new SharedQueue<string>({ name: "lines", diagnostics: "full" });
    await queue.put("a");
    await queue.put("b");
    const lease = await queue.get();

    await expect(queue.join({ waitMs: 5 })).rejects.toMatchObject({
      code: "UNJAM_JOIN_TIMEOUT",
      details: {
        unfinishedCount: 2,
        unfinished: [
          {
            task: '"a"',
            holder: "the main thread",
            state: "taken",
            site: expect.stringContaining("shared-queue.test.ts") as string,
            siteKind: "exact",
          },
          { task: '"b"', holder: null, state: "waiting" },
        ],
      },
    });
    lease.done();
  });
});

describe("a lease", () => {
  it("is settled once", async () => {
    const queue = new SharedQueue<number>();
    await queue.put(1);
    const lease = await queue.get();
    lease.done();
    const settled = expect.objectContaining({ code: "UNJAM_LEASE_SETTLED" }) as Error;

    expect(() => lease.done()).toThrow(settled);
    expect(() => lease.fail(1)).toThrow(settled);
    expect(() => lease.putBack()).toThrow(settled);
    expect(await queue.join()).toMatchObject({ done: 1, failed: 0 });
  });

  it("that is put back is the next to be taken", async () => {
    const queue = new SharedQueue<number>();
    for (const n of [1, 2, 3]) await queue.put(n);
    const lease = await queue.get();
    lease.putBack();

    expect((await queue.get()).value).toBe(1);
  });

  it("is done when its using block is left", async () => {
    const queue = new SharedQueue<number>();
    await queue.put(1);
    {
      using lease = await queue.get();
      expect(lease.value).toBe(1);
    }

    expect(await queue.join()).toMatchObject({ done: 1 });
  });
});

describe("a closed shared queue", () => {
  it("refuses puts, also those that wait, and hands out what is in it", async () => {
    const queue = new SharedQueue<number>({ capacity: 1 });
    await queue.put(1);
    const late = queue.put(2);
    queue.close();
    queue.close();

    await expect(late).rejects.toMatchObject({ code: "UNJAM_QUEUE_CLOSED" });
    await expect(queue.put(3)).rejects.toMatchObject({ code: "UNJAM_QUEUE_CLOSED" });
    expect(queue.tryPut(3)).toBe(false);
    const values = [];
    for await (const value of queue) values.push(value);
    expect(values).toEqual([1]);
    await expect(queue.get()).rejects.toMatchObject({ code: "UNJAM_QUEUE_CLOSED" });
  });

  it("ends those who wait for an item", async () => {
    const queue = new SharedQueue<number>();
    const get = queue.get();
    queue.close();

    await expect(get).rejects.toMatchObject({ code: "UNJAM_QUEUE_CLOSED" });
  });

  it("with drop takes out what waits: neither done nor failed", async () => {
    const queue = new SharedQueue<number>();
    for (const n of [1, 2]) await queue.put(n);
    const held = await queue.get();
    queue.close({ drop: true });
    expect(queue.size).toBe(0);
    held.done();

    expect(await queue.join()).toMatchObject({ done: 1, failed: 0 });
  });
});

describe("an end that was disposed of", () => {
  it("gives back what it held, and touches the queue no more", async () => {
    const queue = new SharedQueue<number>();
    await queue.put(1);
    const lease = await queue.get();
    queue[Symbol.dispose]();
    const again = SharedQueue.from<number>(queue.handle);

    expect(() => lease.done()).toThrow(expect.objectContaining({ code: "UNJAM_LEASE_SETTLED" }));
    await expect(queue.get()).rejects.toMatchObject({ code: "UNJAM_QUEUE_CLOSED" });
    expect((await again.get()).value).toBe(1);
  });
});
