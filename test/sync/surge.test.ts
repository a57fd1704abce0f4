import { describe, expect, it, vi } from "vitest";
import { collect } from "./collector.ts";
import { Gate, QueueStage } from "./queue-stage.ts";

// A hundred thousand refusals are as many errors with stacks.
vi.setConfig({ testTimeout: 60_000 });

const PUTS = 100_000;
const MEGABYTE = 1_048_576;
const WAITERS = 100;

/** What is garbage is only gone when its finalizers have run. */
async function heapBytes(stage: { rest(): Promise<void> }): Promise<number> {
  for (let round = 0; round < 4; round++) {
    collect();
    await stage.rest();
  }
  return process.memoryUsage().heapUsed;
}

/** A value that shows in the heap. */
interface Heavy {
  readonly n: number;
  readonly weight: readonly number[];
}

function heavy(n: number): Heavy {
  return { n, weight: Array.from({ length: 50 }, () => n) };
}

/** What became of calls, by the code that they were refused with, and how long the slowest took. */
class Tally {
  readonly counts: Record<string, number> = {};
  slowestMs = 0;
  readonly #clock: { now(): number };

  constructor({ clock }: { readonly clock: { now(): number } }) {
    this.#clock = clock;
  }

  watch(call: Promise<unknown>): void {
    const beganAt = this.#clock.now();
    const note = (outcome: unknown): void => {
      this.slowestMs = Math.max(this.slowestMs, this.#clock.now() - beganAt);
      this.#note(String(outcome));
    };
    call.then(note, (error: unknown) => note(Reflect.get(Object(error), "code")));
  }

  get total(): number {
    return Object.values(this.counts).reduce((sum, count) => sum + count, 0);
  }

  #note(outcome: string): void {
    this.counts[outcome] = (this.counts[outcome] ?? 0) + 1;
  }
}

describe("a surge of 100,000 puts into a queue for one", () => {
  it("with a slow consumer ends each put, and memory grows by those who may wait", async () => {
    const stage = new QueueStage<number>({ capacity: 1, waitersMax: WAITERS });
    const seen: number[] = [];
    stage.queue.consume((n) => {
      seen.push(n);
      return new Promise((resolve) => void stage.clock.after(1_000, () => resolve(n)));
    });
    await stage.rest();
    const tally = new Tally(stage);
    const before = await heapBytes(stage);

    for (let n = 0; n < PUTS; n++) tally.watch(stage.queue.put(n));
    expect(stage.queue.snapshot().putters).toBe(WAITERS);
    await stage.rest();
    const grownBytes = (await heapBytes(stage)) - before;
    await stage.advance(200_000);

    expect(tally.total).toBe(PUTS);
    expect(tally.slowestMs).toBe(30_000);
    expect(tally.counts["UNJAM_TOO_MANY_WAITERS"]).toBeGreaterThanOrEqual(PUTS - WAITERS - 2);
    expect(tally.counts["added"]).toBe(seen.length);
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
    expect(stage.queue.unfinished).toBe(0);
    expect(grownBytes).toBeLessThan(2 * MEGABYTE);
  });

  it("with a consumer that is stuck ends each put at its deadline at the latest", async () => {
    const stage = new QueueStage<number>({ capacity: 1, waitersMax: WAITERS });
    stage.queue.consume(() => new Promise(() => undefined));
    await stage.rest();
    const tally = new Tally(stage);
    const before = await heapBytes(stage);

    for (let n = 0; n < PUTS; n++) tally.watch(stage.queue.put(n));
    await stage.rest();
    const grownBytes = (await heapBytes(stage)) - before;
    await stage.advance(30_000);

    expect(grownBytes).toBeLessThan(2 * MEGABYTE);
    expect((await heapBytes(stage)) - before).toBeLessThan(MEGABYTE);
    expect(tally.slowestMs).toBe(30_000);

    expect(tally.counts).toEqual({
      added: 2,
      UNJAM_QUEUE_FULL: WAITERS,
      UNJAM_TOO_MANY_WAITERS: PUTS - WAITERS - 2,
    });
    expect(stage.queue.snapshot()).toMatchObject({ size: 1, unfinished: 2, putters: 0 });
  });

  it("with a dead consumer refuses all at once, and memory does not grow", async () => {
    const stage = new QueueStage<number>({ capacity: 1 });
    const gate = new Gate();
    const consumer = stage.queue.consume(() => gate.opened, { restarts: { max: 0 } });
    stage.queue.tryPut(0);
    await stage.rest();
    stage.queue.tryPut(1);
    gate.fail(new Error("dead"));
    await consumer.finished;
    const tally = new Tally(stage);
    const before = await heapBytes(stage);

    for (let n = 0; n < PUTS; n++) tally.watch(stage.queue.put(n));
    await stage.rest();

    expect(tally.counts).toEqual({ UNJAM_NO_CONSUMER: PUTS });
    expect(tally.slowestMs).toBe(0);
    expect((await heapBytes(stage)) - before).toBeLessThan(2 * MEGABYTE);
  });

  it.each([
    ["wait", { UNJAM_QUEUE_FULL: WAITERS, UNJAM_WAIT_TIMEOUT: 1 }],
    ["reject", { UNJAM_QUEUE_FULL: PUTS - 1, UNJAM_WAIT_TIMEOUT: 1 }],
    ["drop-newest", { UNJAM_ITEM_DROPPED: PUTS - 1, UNJAM_WAIT_TIMEOUT: 1 }],
    ["drop-oldest", { UNJAM_ITEM_DROPPED: PUTS - 1, UNJAM_WAIT_TIMEOUT: 1 }],
    [{ retry: {} }, { UNJAM_QUEUE_FULL: WAITERS, UNJAM_WAIT_TIMEOUT: 1 }],
  ] as const)(
    "that ask a consumer that is stuck ends each ask by its deadline, in bounded memory: %j",
    async (whenFull, counts) => {
      const stage = new QueueStage<number>({ capacity: 1, waitersMax: WAITERS, whenFull });
      stage.queue.consume(() => new Promise(() => undefined));
      stage.queue.tryPut(-1);
      await stage.rest();
      const tally = new Tally(stage);
      const before = await heapBytes(stage);

      for (let n = 0; n < PUTS; n++) tally.watch(stage.queue.ask(n));
      await stage.rest();
      const grownBytes = (await heapBytes(stage)) - before;
      await stage.advance(30_010);

      expect(tally.counts).toMatchObject(counts);
      expect([tally.total, stage.queue.snapshot().putters]).toEqual([PUTS, 0]);
      expect(tally.slowestMs).toBeLessThanOrEqual(30_010);
      expect(grownBytes).toBeLessThan(2 * MEGABYTE);
    },
  );

  it("of callers that compute how long they wait leaves nothing behind", async () => {
    const stage = new QueueStage<number>({ capacity: 1 });
    const forever = stage.queue.join({ waitMs: 1_000_000_000 });
    stage.queue.tryPut(0);
    stage.queue.tryGet()?.done();
    const other = stage.queue.get({ waitMs: 1_000_000_000 });
    const before = await heapBytes(stage);

    for (let n = 0; n < PUTS; n++) {
      await stage.queue.join({ waitMs: 1_000 + n / PUTS });
    }

    expect((await heapBytes(stage)) - before).toBeLessThan(2 * MEGABYTE);
    stage.queue.tryPut(1);
    (await other).done();
    await forever;
  });
});

describe("asks that end while nothing is taken", () => {
  it.each(["fifo", "lifo", { by: ({ n }: Heavy) => n }] as const)(
    "leave nothing behind in the order: %j",
    async (order) => {
      const stage = new QueueStage<Heavy>({ capacity: 100, order });
      stage.queue.pause();
      stage.queue.tryPut(heavy(-1));
      const before = await heapBytes(stage);

      for (let n = 0; n < PUTS / 2; n++) {
        const stop = new AbortController();
        const asked = stage.queue.ask(heavy(n), { signal: stop.signal }).catch(() => undefined);
        stop.abort("enough");
        await asked;
      }

      expect(stage.queue.size).toBe(1);
      expect((await heapBytes(stage)) - before).toBeLessThan(8 * MEGABYTE);
    },
  );
});
