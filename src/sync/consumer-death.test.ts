import { describe, expect, it } from "vitest";
import { Gate, QueueStage, watch } from "../../test/sync/queue-stage.ts";
import type { QueueEvents } from "./queue-report.ts";

describe("the death of a consumer", () => {
  it("comes when onError throws: the queue is broken and names it", async () => {
    const stage = new QueueStage<string>({ capacity: 2 });
    const events: unknown[] = [];
    stage.queue.on("died", (data) => events.push(["died", data]));
    stage.queue.on("broken", (data) => events.push(["broken", data]));
    const consumer = stage.queue.consume(
      () => {
        throw new Error("bad");
      },
      {
        name: "frail",
        onError: () => {
          throw new Error("fatal");
        },
      },
    );

    stage.queue.tryPut("a");
    await consumer.finished;

    const reason = "onError threw: fatal";
    expect(events).toEqual([
      ["died", { queue: "q", consumer: "frail", reason }],
      ["broken", { queue: "q", reason }],
    ]);
    expect(stage.queue.snapshot()).toMatchObject({ phase: "broken", consumers: 0 });
    const refusal = {
      code: "UNJAM_NO_CONSUMER",
      details: { lastConsumer: { worker: "frail", goneMs: 0, reason } },
    };
    await expect(stage.queue.put("b")).rejects.toMatchObject(refusal);
    await expect(stage.queue.put("b", { whenFull: "drop-oldest" })).rejects.toMatchObject(refusal);
    await expect(stage.queue.ask("b")).rejects.toMatchObject(refusal);
    expect(stage.queue.tryPut("b")).toBe(false);
  });

  it("comes with one throw more than its budget within perMs", async () => {
    const stage = new QueueStage<number>();
    const consumer = failing(stage, { max: 2, perMs: 1_000 });
    const finished = watch(consumer.finished);

    for (let n = 0; n < 2; n++) stage.queue.tryPut(n);
    await stage.advance(1_000);
    for (let n = 0; n < 2; n++) stage.queue.tryPut(n);
    await stage.rest();
    expect(finished.isPending).toBe(true);
    stage.queue.tryPut(3);
    await stage.rest();

    expect(finished.isPending).toBe(false);
    await expect(stage.queue.put(4)).rejects.toMatchObject({
      details: {
        lastConsumer: {
          worker: "frail",
          reason: "its handler threw 3 times within 1000 ms, last: bad",
        },
      },
    });
  });

  it("of one among others breaks nothing", async () => {
    const stage = new QueueStage<number>();
    const told: QueueEvents["died"][] = [];
    stage.queue.on("died", (data) => told.push(data));
    failing(stage, { max: 0 });
    stage.queue.tryPut(1);
    await stage.rest();
    stage.queue.consume(() => "fine");
    failing(stage, { max: 0 });
    for (let n = 0; n < 9; n++) stage.queue.tryPut(n);
    await stage.rest();

    expect(told).toHaveLength(2);
    expect(stage.queue.snapshot()).toMatchObject({ phase: "open", consumers: 1, unfinished: 0 });
    expect(await stage.queue.ask(1)).toBe("fine");
  });

  it("refuses at once all who wait: for room, for answers, for the end", async () => {
    const stage = new QueueStage<number>({ capacity: 3, waitersMax: 9 });
    const gate = new Gate();
    stage.queue.consume(() => gate.opened, { restarts: { max: 0 } });
    await stage.rest();
    stage.queue.tryPut(0);
    await stage.rest();
    const waits = [
      watch(stage.queue.ask(1)),
      watch(stage.queue.ask(2, {})),
      watch(stage.queue.join()),
    ];
    stage.queue.tryPut(3);
    waits.push(watch(stage.queue.put(4)), watch(stage.queue.ask(5)));

    gate.fail(new Error("bad"));
    await stage.rest();

    for (const { code } of waits) expect(code).toBe("UNJAM_NO_CONSUMER");
    await expect(stage.queue.join()).rejects.toMatchObject({ code: "UNJAM_NO_CONSUMER" });
    expect(stage.queue.snapshot()).toMatchObject({ size: 1, unfinished: 1, putters: 0 });
  });

  it("is mended by a new consumer, or a loop: what waited is consumed, and join comes to its end", async () => {
    for (const mend of ["consumer", "loop"] as const) {
      const stage = new QueueStage<number>();
      failing(stage, { max: 0 });
      for (let n = 0; n < 3; n++) stage.queue.tryPut(n);
      await stage.rest();
      expect(stage.queue.snapshot().phase).toBe("broken");

      if (mend === "consumer") stage.queue.consume((n) => n);
      else void drainByLoop(stage);
      expect(stage.queue.snapshot().phase).toBe("open");
      await stage.queue.put(3);

      expect(await stage.queue.join()).toMatchObject({ done: 3, failed: 1 });
    }
  });

  it("is mended from inside a listener of died: nobody is refused", async () => {
    const stage = new QueueStage<number>({ capacity: 1 });
    stage.queue.on("died", () => void stage.queue.consume((n) => n));
    failing(stage, { max: 0 });
    await stage.rest();
    stage.queue.tryPut(0);
    const waits = [watch(stage.queue.ask(1)), watch(stage.queue.join())];
    await stage.rest();

    expect(waits.map(({ isPending, reason }) => [isPending, reason])).toEqual([
      [false, undefined],
      [false, undefined],
    ]);
    expect(stage.queue.snapshot().phase).toBe("open");
  });

  it("tells who asks and who joins also when the queue is closed already, or is closed then", async () => {
    for (const closes of ["before", "after"] as const) {
      const stage = new QueueStage<number>();
      failing(stage, { max: 0 });
      for (let n = 0; n < 2; n++) stage.queue.tryPut(n);
      const asked = watch(stage.queue.ask(2));
      const joined = watch(stage.queue.join());
      if (closes === "before") stage.queue.close();
      await stage.rest();
      stage.queue.close();

      expect([asked.code, joined.code]).toEqual(["UNJAM_NO_CONSUMER", "UNJAM_NO_CONSUMER"]);
      await expect(stage.queue.join()).rejects.toMatchObject({ code: "UNJAM_NO_CONSUMER" });
      expect(stage.drain()).toEqual([1]);
      expect(await stage.queue.join()).toMatchObject({ done: 1, failed: 1 });
    }
  });

  it("is put into words also when what was thrown has none", async () => {
    const mute = Object.defineProperty(new Error("its name"), "message", {
      get: () => {
        throw new Error("no message");
      },
    });
    for (const thrown of [Object.create(null), Symbol("s"), 7, "text", mute] as unknown[]) {
      const stage = new QueueStage<number>();
      const consumer = stage.queue.consume(
        () => {
          throw thrown;
        },
        { restarts: { max: 0 } },
      );
      stage.queue.tryPut(1);

      await consumer.finished;

      expect(stage.queue.snapshot()).toMatchObject({ phase: "broken", unfinished: 0 });
    }
  });
});

describe("a death that others have outlived", () => {
  it("is told beside who was stopped last, with its error", async () => {
    const stage = new QueueStage<string>({ capacity: 1 });
    stage.queue.consume(() => Promise.reject(new Error("corrupt")), {
      ...{ name: "frail", restarts: { max: 0, perMs: 1_000 } },
    });
    stage.queue.tryPut("a");
    await stage.advance(100);
    stage.queue.consume(() => undefined, { name: "second" }).stop();
    await stage.advance(50);
    stage.queue.tryPut("b");

    await expect(stage.queue.put("c")).rejects.toMatchObject({
      message: expect.stringMatching(
        /the last, second, went 50 ms ago: it was stopped; before, frail died 150 ms ago: its handler threw once within 1000 ms, last: corrupt$/,
      ) as string,
      details: {
        lastConsumer: { worker: "second" },
        lastDeath: { worker: "frail", goneMs: 150 },
      },
    });
  });
});

function failing(
  stage: QueueStage<number>,
  restarts: { readonly max: number; readonly perMs?: number },
): ReturnType<QueueStage<number>["queue"]["consume"]> {
  const handler = (): never => {
    throw new Error("bad");
  };
  return stage.queue.consume(handler, { name: "frail", restarts });
}

async function drainByLoop(stage: QueueStage<number>): Promise<void> {
  for await (const _ of stage.queue) await stage.rest();
}
