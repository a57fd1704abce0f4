import { describe, expect, it } from "vitest";
import { Gate, QueueStage } from "../../test/sync/queue-stage.ts";
import { ManualClock } from "../testing/manual-clock.ts";

describe("the age of what a slot holds", () => {
  it("counts from when it began with its item, however long it had waited for one", async () => {
    const { queue, clock } = new QueueStage<string>();
    const gate = new Gate();
    queue.consume((value) => (value === "slow" ? gate.opened : undefined));
    queue.tryPut("quick");
    await clock.advance(60_000);

    queue.tryPut("slow");
    await clock.rest();
    await clock.advance(1_500);

    expect(queue.holders()).toEqual([expect.objectContaining({ value: '"slow"', sinceMs: 1_500 })]);
  });

  it("counts from then also for items that never had to be waited for", async () => {
    const { queue, clock } = new QueueStage<string>();
    queue.consume((value) =>
      value === "quick" ? undefined : new Promise<void>((resolve) => clock.after(700, resolve)),
    );
    for (let n = 0; n < 600; n++) queue.tryPut("quick");
    for (let n = 0; n < 5; n++) queue.tryPut("slow");
    await clock.rest();

    await clock.advance(2 * 700 + 40);

    expect(queue.holders()).toEqual([expect.objectContaining({ value: '"slow"', sinceMs: 40 })]);
  });

  it("counts from then also after a turn of the loop that took long", async () => {
    const clock = new ManualClock();
    let workedMs = 0;
    let turn: (() => void) | undefined;
    const stage = new QueueStage<number>({
      ports: {
        clock: { now: () => clock.now() + workedMs, wallNow: () => 0 },
        timers: { after: (ms, run) => clock.after(ms, run), soon: (run) => void (turn = run) },
      },
    });
    const { queue } = stage;
    queue.consume(() => (turn === undefined ? void workedMs++ : new Promise(() => undefined)));
    for (let n = 0; n < 100; n++) queue.tryPut(n);
    await clock.rest();

    await clock.advance(5_000);
    turn?.();
    await clock.rest();

    expect(queue.holders()).toEqual([expect.objectContaining({ sinceMs: 0 })]);
  });
});
