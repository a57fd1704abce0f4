import { describe, expect, it } from "vitest";
import { QueueStage, watch } from "../../test/sync/queue-stage.ts";
import { FULL_WAIT_MS_MAX } from "../core/limits.ts";

describe("the log of a full queue", () => {
  it("says nothing while callers wait for a moment: that is what a capacity is for", async () => {
    const stage = aFullQueue();
    const waiting = [
      watch(stage.queue.put("b")),
      watch(stage.queue.put("c", { whenFull: { retry: { firstMs: 10, jitter: 0 } } })),
      watch(stage.queue.ask("d")),
    ];

    await stage.advance(FULL_WAIT_MS_MAX - 1);

    expect(waiting.map(({ isPending }) => isPending)).toEqual([true, true, true]);
    expect(stage.log).toEqual([]);
  });

  it("says when callers have waited for 10 s, and every 10 s while they do", async () => {
    const stage = aFullQueue();
    watch(stage.queue.put("b", { waitMs: 25_000 }));
    await stage.advance(1_000);
    watch(stage.queue.put("c", { waitMs: 60_000 }));

    await stage.advance(9_000);
    await stage.advance(10_000);

    const about = { queue: "q", capacity: 1, waiterCount: 2, droppedCount: 0 };
    expect(stage.log.map(({ fields }) => fields)).toEqual([
      { ...about, waitedMs: 10_000 },
      { ...about, waitedMs: 20_000 },
    ]);
  });

  it("says nothing when its timer was made for a wait that is over by then", async () => {
    const { clock } = new QueueStage();
    const stage = aFullQueue({
      ports: {
        clock,
        timers: {
          soon: (run) => clock.soon(run),
          // What a hook of async_hooks may do when it hears of the timer.
          after: (delayMs, run, options) => {
            if (delayMs === FULL_WAIT_MS_MAX) stage.drain();
            return clock.after(delayMs, run, options);
          },
        },
      },
    });
    const put = watch(stage.queue.put("b"));

    await clock.advance(FULL_WAIT_MS_MAX);

    expect(put.value).toBe("added");
    expect(stage.log).toEqual([]);
  });

  it("counts the wait of each caller, not how long there is always one", async () => {
    const stage = aFullQueue();
    watch(stage.queue.put("first"));
    for (let n = 0; n < 5; n++) {
      await stage.advance(6_000);
      watch(stage.queue.put("next"));
      stage.queue.tryGet()?.done();
    }

    expect(stage.queue.snapshot().putters).toBe(1);
    expect(stage.log).toEqual([]);
  });

  it("says that callers were refused, by policy, for want of waiting room, at a deadline", async () => {
    const stage = aFullQueue({ waitersMax: 1 });
    watch(stage.queue.put("waits", { waitMs: 2_000 }));
    watch(stage.queue.put("b", { whenFull: "reject" }));
    watch(stage.queue.put("one too many"));
    await stage.advance(1_000);
    watch(stage.queue.put("c", { whenFull: "reject" }));
    await stage.advance(1_000);

    const about = { queue: "q", capacity: 1, droppedCount: 0 };
    expect(stage.log.map(({ fields }) => fields)).toEqual([
      { ...about, count: 1 },
      { ...about, count: 2 },
      { ...about, count: 1 },
    ]);
  });

  it("says how many items were dropped, at most once a second", async () => {
    const stage = aFullQueue();
    for (const whenFull of ["drop-newest", "drop-oldest"] as const) {
      await stage.queue.put("b", { whenFull });
    }
    await stage.advance(1_000);
    await stage.queue.put("b", { whenFull: "drop-newest" });

    const about = { queue: "q", capacity: 1 };
    expect(stage.log.map(({ fields }) => fields)).toEqual([
      { ...about, count: 1, droppedCount: 1 },
      { ...about, count: 2, droppedCount: 3 },
    ]);
  });
});

function aFullQueue(
  options: ConstructorParameters<typeof QueueStage<string>>[0] = {},
): QueueStage<string> {
  const stage = new QueueStage<string>({ capacity: 1, waitersMax: 10, ...options });
  stage.queue.tryPut("a");
  return stage;
}
