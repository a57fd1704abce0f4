import { expect, it } from "vitest";
import { QueueStage, watch } from "../../test/sync/queue-stage.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import { Deadlines } from "./deadlines.ts";
import { JoinableQueue } from "./joinable-queue.ts";

it("waits of very many lengths end each at its own deadline, whatever came and went between", async () => {
  const stage = new QueueStage<number>({ capacity: 1, waitersMax: 1_000 });
  stage.queue.tryPut(0);
  const [early, late] = [5, 10_000].map((waitMs) => watch(stage.queue.put(1, { waitMs })));
  for (const lengths of [100, 200, 300]) {
    const stop = new AbortController();
    for (let waitMs = lengths; waitMs < lengths + 100; waitMs++) {
      watch(stage.queue.put(2, { waitMs, signal: stop.signal }));
    }
    stop.abort();
  }
  const again = watch(stage.queue.put(3, { waitMs: 10_000 }));
  const kept = [1_000, 2_000].map((waitMs) => watch(stage.queue.put(4, { waitMs })));
  const pending = (): readonly boolean[] =>
    [early, ...kept, late, again].map((wait) => wait?.isPending === true);

  await stage.advance(5);
  expect(pending()).toEqual([false, true, true, true, true]);
  await stage.advance(995);
  expect(pending()).toEqual([false, false, true, true, true]);
  await stage.advance(1_000);
  expect(pending()).toEqual([false, false, false, true, true]);
  await stage.advance(8_000);

  expect(pending()).toEqual([false, false, false, false, false]);
  expect(stage.queue.snapshot()).toMatchObject({ putters: 0, size: 1 });
});

/** A queue that notes which of its timers are armed. */
function aCountedQueue(options: { readonly capacity?: number } = {}) {
  const timers = new Set<object>();
  const stage = new QueueStage<number>();
  const { clock } = stage;
  const counted = {
    ...{ now: () => clock.now(), wallNow: () => clock.wallNow() },
    soon: (run: () => void) => clock.soon(run),
    after: (...[delayMs, run, how]: Parameters<typeof clock.after>) => {
      const timer = clock.after(delayMs, () => (timers.delete(timer), run()), how);
      timers.add(timer);
      return { cancel: () => (timers.delete(timer), timer.cancel()) };
    },
  };
  const ports = { clock: counted, timers: counted, random: () => 0.5 };
  return { timers, stage, queue: new JoinableQueue<number>({ ...options, ports }) };
}

it("a wait without a deadline does not hold the process for one that has ended", async () => {
  const { timers, stage, queue } = aCountedQueue();
  const other = watch(queue.get({ waitMs: 4_000 }));
  watch(queue.get({ waitMs: Number.POSITIVE_INFINITY }));
  const heldBefore = timers.size;

  queue.tryPut(1);
  await stage.rest();

  expect(other.isPending).toBe(false);
  expect([heldBefore, timers.size]).toEqual([1, 0]);
});

it("a wait that the end of another has ended does not hold the process", async () => {
  const { timers, stage, queue } = aCountedQueue({ capacity: 1 });
  watch(queue.get());
  queue.tryPut(0);
  await stage.rest();
  watch(queue.ask(1, { waitMs: 50 }));
  const put = watch(queue.put(2));

  await stage.advance(50);

  expect(put.isPending).toBe(false);
  expect(timers.size).toBe(0);
});

it("a wait that begins at the end of the last of its length has a deadline of its own", async () => {
  const clock = new ManualClock();
  const late: string[] = [];
  const deadlines: Deadlines<Waiting> = new Deadlines({ clock, timers: clock }, (wait, waitMs) => {
    late.push(wait.name);
    wait.isWaiting = false;
    deadlines.end(waitMs);
    if (wait.name === "first") begin("second");
  });
  const begin = (name: string): void => {
    deadlines.begin({ name, since: clock.now(), isWaiting: true }, 50);
  };
  begin("first");

  await clock.advance(50);
  expect(late).toEqual(["first"]);
  await clock.advance(50);

  expect(late).toEqual(["first", "second"]);
});

interface Waiting {
  readonly name: string;
  readonly since: number;
  isWaiting: boolean;
}
