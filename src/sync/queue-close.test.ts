import { describe, expect, it } from "vitest";
import { QueueStage, watch } from "../../test/sync/queue-stage.ts";

describe("close", () => {
  it("refuses producers, also those who wait, while consumers finish what is there", async () => {
    const stage = new QueueStage<string>({ capacity: 1 });
    const seen: string[] = [];
    stage.queue.tryPut("a");
    const waiting = watch(stage.queue.put("b"));

    stage.queue.close();
    stage.queue.close();
    expect(stage.queue.tryPut("c")).toBe(false);
    await stage.rest();
    expect(waiting.code).toBe("UNJAM_QUEUE_CLOSED");
    for await (const value of stage.queue) seen.push(value);

    expect(seen).toEqual(["a"]);
    expect(() => stage.queue.consume(() => undefined)).toThrow(
      expect.objectContaining({ code: "UNJAM_QUEUE_CLOSED" }),
    );
  });

  it("ends consumers when all is settled, and not while somebody may put an item back", async () => {
    const stage = new QueueStage<string>();
    const seen: string[] = [];
    const consumer = stage.queue.consume((value) => void seen.push(value));
    stage.queue.pause();
    stage.queue.tryPut("a");
    stage.queue.resume();
    stage.queue.pause();
    const finished = watch(consumer.finished);
    await stage.rest();
    stage.queue.tryPut("b");
    stage.queue.resume();
    stage.queue.close();
    await stage.rest();

    expect(seen).toEqual(["a", "b"]);
    expect(finished.isPending).toBe(false);
    expect(await stage.queue.join()).toMatchObject({ done: 2 });
  });

  it("with drop takes out what waits: asks are rejected, and join comes to its end", async () => {
    const stage = new QueueStage<string>();
    const asks = [watch(stage.queue.ask("a")), watch(stage.queue.ask("b", {}))];
    stage.queue.tryPut("c");
    const lease = stage.queue.tryGet();
    const joined = watch(stage.queue.join());

    stage.queue.close({ drop: true });
    stage.queue.close({ drop: true });
    await stage.rest();
    expect([stage.queue.size, stage.queue.unfinished, joined.isPending]).toEqual([0, 1, true]);
    lease?.done();
    await stage.rest();

    expect(asks[0]?.fate).toEqual({ value: undefined });
    expect(asks[1]?.reason).toMatchObject({
      code: "UNJAM_ITEM_DROPPED",
      details: { reason: "the queue was closed" },
    });
    expect(joined.value).toEqual({ done: 1, failed: 0, errors: [] });
  });
});

describe("the end of a closed queue", () => {
  it("comes also when a drop took out the last item: those who wait for one are told", async () => {
    for (const drop of ["close", "abort"] as const) {
      const stage = new QueueStage<string>();
      const stop = new AbortController();
      const consumer = stage.queue.consume(() => undefined);
      stage.queue.pause();
      await stage.rest();
      const got = watch(stage.queue.get());
      watch(stage.queue.ask("a", { signal: stop.signal }));
      stage.queue.close({ drop: drop === "close" });

      stop.abort();
      await consumer.finished;
      await stage.rest();

      expect(got.code).toBe("UNJAM_QUEUE_CLOSED");
    }
  });
});

describe("await using", () => {
  it("closes, lets consumers and loops finish, and drops nothing that they can take", async () => {
    const stage = new QueueStage<string>();
    const seen: string[] = [];
    stage.queue.consume(async (value) => {
      await stage.rest();
      seen.push(value);
    });
    const loop = (async () => {
      for await (const value of stage.queue) {
        await stage.rest();
        seen.push(value);
      }
    })();
    for (const value of ["a", "b", "c", "d", "e"]) stage.queue.tryPut(value);

    await stage.queue[Symbol.asyncDispose]();
    await loop;

    expect(seen.toSorted()).toEqual(["a", "b", "c", "d", "e"]);
    expect(stage.queue.unfinished).toBe(0);
  });

  it("lets a loop finish that is all that consumes", async () => {
    const stage = new QueueStage<string>();
    const seen: string[] = [];
    const loop = (async () => {
      for await (const value of stage.queue) {
        await stage.rest();
        seen.push(value);
      }
    })();
    for (const value of ["a", "b", "c"]) stage.queue.tryPut(value);

    await stage.queue[Symbol.asyncDispose]();
    await loop;

    expect(seen).toEqual(["a", "b", "c"]);
  });

  it("gives up after 25 s: what waits is dropped, and what is held has failed", async () => {
    const stage = new QueueStage<string>();
    stage.queue.consume(() => new Promise(() => undefined));
    const loop = stage.queue[Symbol.asyncIterator]();
    stage.queue.tryPut("a");
    stage.queue.tryPut("b");
    await stage.rest();
    await loop.next();
    const asked = watch(stage.queue.ask("c", { waitMs: 60_000 }));
    const disposed = watch(stage.queue[Symbol.asyncDispose]());

    await stage.advance(24_999);
    expect([disposed.isPending, asked.isPending]).toEqual([true, true]);
    await stage.advance(1);
    await stage.advance(2_000);

    expect([disposed.isPending, asked.code]).toEqual([false, "UNJAM_ITEM_DROPPED"]);
    expect(stage.queue.snapshot()).toMatchObject({ phase: "closed", size: 0, unfinished: 1 });
    await loop.return?.();
    expect(await stage.queue.join()).toMatchObject({ done: 1, failed: 1 });
  });

  it("drops at once what nobody consumes", async () => {
    const stage = new QueueStage<string>();
    stage.queue.tryPut("a");

    await stage.queue[Symbol.asyncDispose]();

    expect(stage.queue.snapshot()).toMatchObject({ phase: "closed", unfinished: 0 });
  });
});
