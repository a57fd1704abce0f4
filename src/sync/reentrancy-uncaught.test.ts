/** What a handler of uncaughtException finds when the throw left a call in its middle: see reentrancy.test.ts. */
import { spawnSync } from "node:child_process";
import { expect, it } from "vitest";
import { QueueStage } from "../../test/sync/queue-stage.ts";

/** A program that does not end by itself is ended, and its test fails. */
const PROGRAM_MS_MAX = 15_000;

const source = new URL("./joinable-queue.ts", import.meta.url).href;
/** Each way out of a call finds one item in the queue and one that is held, and throws what it is called. */
const program = `
  import { JoinableQueue } from ${JSON.stringify(source)};
  const raise = (name) => { throw new Error(name); };
  let n = 0;
  const queue = new JoinableQueue({ capacity: 2, order: { by: (rank) => rank ?? raise("by") } });
  const told = [];
  const ends = [];
  const overflow = (signal) => {
    while (queue.tryPut(n)) n++;
    queue.put(n++, { signal }).then((end) => ends.push(end), ({ message }) => ends.push(message));
  };
  const ways = [
    () => queue.tryPut(undefined),
    () => void queue.put(undefined),
    () => void queue.get({ get waitMs() { return raise("waitMs"); } }),
    () => queue.consume(() => 1, { get concurrency() { return raise("concurrency"); } }),
    () => queue.close({ get drop() { return raise("drop"); } }),
    () => {
      const stop = new AbortController();
      stop.signal.addEventListener("abort", () => raise("listener"));
      overflow(stop.signal);
      stop.abort(new Error("aborted"));
    },
    () => {
      const { signal } = new AbortController();
      overflow(Object.defineProperty(signal, "addEventListener", { value: () => raise("patched") }));
      raise("addEventListener");
    },
    () => {
      const { signal } = new AbortController();
      overflow(Object.defineProperty(signal, "removeEventListener", { value: () => raise("patched") }));
      raise("removeEventListener");
    },
    () => {
      const { signal } = new AbortController();
      const value = () => raise("consume");
      queue.consume(() => 1, { signal: Object.defineProperty(signal, "addEventListener", { value }) });
    },
  ];
  let held;
  process.on("uncaughtException", ({ message }) => {
    const { size, unfinished, putters, takers, consumers, phase, waits } = queue.snapshot();
    const before = { size, waiting: unfinished - size, others: [putters, takers, consumers, waits.length], phase };
    const hasRoom = queue.tryPut(n++);
    const next = queue.tryGet();
    held.done();
    held = next;
    while (queue.size > 1) queue.tryGet().done();
    told.push({ message, ...before, hasRoom, after: [queue.size, queue.unfinished] });
    const way = ways.shift();
    if (way !== undefined) {
      setImmediate(way);
      return;
    }
    queue.close();
    held.done();
    queue.tryGet().done();
    told.push({ closed: [queue.tryPut(n), queue.size, queue.unfinished] });
  });
  queue.tryPut(n++);
  queue.tryPut(n++);
  held = queue.tryGet();
  setImmediate(ways.shift());
  process.once("beforeExit", () => console.log(JSON.stringify({ told, ends })));
`;

it("a handler of uncaughtException finds a queue that is whole, whichever call the throw came out of", () => {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ["--input-type=module", "--eval", program],
    { encoding: "utf8", timeout: PROGRAM_MS_MAX },
  );
  const sound = { waiting: 1, others: [0, 0, 0, 0], phase: "open", after: [1, 2] };
  const withRoom = { ...sound, size: 1, hasRoom: true };
  const full = { ...sound, size: 2, hasRoom: false };

  expect({ status, isTold: stdout !== "" }, stderr).toEqual({ status: 0, isTold: true });
  expect(JSON.parse(stdout)).toEqual({
    told: [
      { ...withRoom, message: "by" },
      { ...withRoom, message: "by" },
      { ...withRoom, message: "waitMs" },
      { ...withRoom, message: "concurrency" },
      { ...withRoom, message: "drop" },
      { ...full, message: "listener" },
      { ...full, message: "addEventListener" },
      // Its put still waits, and comes in by what the handler takes.
      { ...full, message: "removeEventListener", others: [1, 0, 0, 1] },
      { ...withRoom, message: "consume" },
      { closed: [false, 0, 0] },
    ],
    ends: ["aborted", "patched", "added"],
  });
});

it("consume() that throws out of its signal leaves no consumer behind", async () => {
  const stage = new QueueStage<string>();
  const { signal } = new AbortController();
  const raise = (): never => {
    throw new Error("patched");
  };
  Object.defineProperty(signal, "addEventListener", { value: raise });

  expect(() => stage.queue.consume(() => undefined, { signal })).toThrow("patched");
  await stage.rest();

  expect(stage.queue.snapshot()).toMatchObject({ consumers: 0, unfinished: 0 });
});

it("the end of a consumer whose signal cannot be let go of is its end, and no rejection", async () => {
  const stage = new QueueStage<string>();
  const { signal } = new AbortController();
  const value = (): never => {
    throw new Error("patched");
  };
  Object.defineProperty(signal, "removeEventListener", { value });
  const rejections: unknown[] = [];
  const note = (reason: unknown): void => void rejections.push(reason);
  // Instead of the test runner's own, which would fail the run and not this test.
  const others = process.listeners("unhandledRejection");
  process.removeAllListeners("unhandledRejection");
  process.on("unhandledRejection", note);
  try {
    const consumer = stage.queue.consume(() => undefined, { signal });
    consumer.stop();
    await consumer.finished;
    await new Promise(setImmediate);
  } finally {
    process.off("unhandledRejection", note);
    for (const other of others) process.on("unhandledRejection", other);
  }

  expect(rejections).toEqual([]);
  expect(stage.queue.consumers).toBe(0);
});
