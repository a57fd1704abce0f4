import { describe, expect, it } from "vitest";
import { collectUntil } from "../../test/sync/collector.ts";
import { QueueStage, watch } from "../../test/sync/queue-stage.ts";

describe("a lease", () => {
  it("is settled once: done, failed or put back", () => {
    const stage = new QueueStage<string>();
    for (const settle of ["done", "fail", "putBack"] as const) {
      stage.queue.tryPut("a");
      const lease = stage.queue.tryGet();
      lease?.[settle]("x");
      for (const again of ["done", "fail", "putBack"] as const) {
        expect(() => lease?.[again]("x")).toThrow(
          expect.objectContaining({ code: "UNJAM_LEASE_SETTLED" }),
        );
      }
      expect(lease?.value).toBe("a");
      stage.drain();
    }
    expect(stage.queue.unfinished).toBe(0);
  });

  it("is done when its using block is left, also by a throw, unless it was settled before", async () => {
    const stage = new QueueStage<string>();
    for (const value of ["done", "failed", "thrown"]) stage.queue.tryPut(value);
    {
      using _ = await stage.queue.get();
    }
    {
      using lease = await stage.queue.get();
      lease.fail("bad");
    }
    const leave = async (): Promise<void> => {
      using lease = await stage.queue.get();
      throw new Error(lease.value);
    };
    await expect(leave()).rejects.toThrow("thrown");

    expect(await stage.queue.join()).toMatchObject({ done: 2, failed: 1 });
  });

  it("that was put back goes to who waits, also beyond the capacity", async () => {
    const stage = new QueueStage<string>({ capacity: 1 });
    stage.queue.tryPut("a");
    const lease = stage.queue.tryGet();
    stage.queue.tryPut("b");

    lease?.putBack();

    expect(stage.queue.size).toBe(2);
    expect(stage.queue.tryPut("c")).toBe(false);
    expect(stage.drain()).toEqual(["a", "b"]);
  });

  it("whose place was not noted is reported without one when it is garbage-collected", async () => {
    const stage = new QueueStage<string>({ diagnostics: "off" });
    const told: unknown[] = [];
    stage.queue.on("forgotten", ({ error }) => told.push(String(error)));
    stage.queue.tryPut("a");
    const forget = (): void => void stage.queue.tryGet();
    forget();

    await collectUntil(() => told.length > 0, "a lease was forgotten");

    expect(told).toEqual(["Error: the lease was garbage-collected before it was settled"]);
  });

  it("that is garbage-collected counts as failed, and is reported with the place where it was taken", async () => {
    const stage = new QueueStage<string>({ diagnostics: "full" });
    const told: { value: string; error: unknown }[] = [];
    stage.queue.on("forgotten", (data) => told.push(data));
    const asked = watch(stage.queue.ask("a"));
    const forget = (): void => void stage.queue.tryGet();
    forget();
    const joined = watch(stage.queue.join());

    await collectUntil(() => told.length > 0, "a lease was forgotten");
    await stage.rest();

    expect(told[0]).toMatchObject({ queue: "q", value: '"a"' });
    expect(String(told[0]?.error)).toMatch(
      /^Error: the lease was garbage-collected before it was settled; it was taken at lease\.test\.ts:\d+ in forget$/,
    );
    expect(joined.value).toMatchObject({ failed: 1 });
    expect(asked.reason).toBe(told[0]?.error);
    expect(stage.queue.holders()).toEqual([]);
  });

  it("that is garbage-collected counts as failed also when it was waited for", async () => {
    const stage = new QueueStage<string>();
    const told: unknown[] = [];
    stage.queue.on("forgotten", ({ value }) => told.push(value));
    const forget = async (): Promise<void> => {
      const waiting = stage.queue.get();
      stage.queue.tryPut("a");
      await waiting;
    };
    await forget();

    await collectUntil(() => told.length > 0, "a lease was forgotten");

    expect(told).toEqual(['"a"']);
    expect(stage.queue.unfinished).toBe(0);
  });
});
