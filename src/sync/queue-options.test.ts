import { describe, expect, it } from "vitest";
import { QueueStage } from "../../test/sync/queue-stage.ts";
import { JoinableQueue } from "./joinable-queue.ts";

/** Calls with options whose types the caller did not look at. */
function loose<R>(call: (...args: never[]) => R): (...args: unknown[]) => R {
  return call as (...args: unknown[]) => R;
}

const foreignSignal = { aborted: false, addEventListener: () => undefined };

describe("the options of a queue", () => {
  const make = loose((options) => new JoinableQueue(options as object));

  it.each([
    [{ capcity: 1 }, "UNJAM_UNKNOWN_OPTION"],
    [{ capacity: 0 }, "UNJAM_INVALID_OPTION"],
    [{ capacity: 1.5 }, "UNJAM_INVALID_OPTION"],
    [{ capacity: Number.NaN }, "UNJAM_INVALID_OPTION"],
    [{ capacity: "10" }, "UNJAM_INVALID_OPTION"],
    [{ capacity: Number.POSITIVE_INFINITY }, "UNJAM_INVALID_OPTION"],
    [{ waitersMax: -1 }, "UNJAM_INVALID_OPTION"],
    [{ name: "two words" }, "UNJAM_QUEUE_NAME_INVALID"],
    [{ order: "random" }, "UNJAM_INVALID_OPTION"],
    [{ order: null }, "UNJAM_INVALID_OPTION"],
    [{ order: { by: "rank" } }, "UNJAM_INVALID_OPTION"],
    [{ whenFull: "explode" }, "UNJAM_INVALID_OPTION"],
    [{ whenFull: { retry: { firstMs: "1s" } } }, "UNJAM_INVALID_OPTION"],
    [{ whenFull: { retry: { first: 1 } } }, "UNJAM_UNKNOWN_OPTION"],
    [{ diagnostics: "loud" }, "UNJAM_INVALID_OPTION"],
    [{ describe: "text" }, "UNJAM_INVALID_OPTION"],
    [{ logger: {} }, "UNJAM_INVALID_OPTION"],
    [null, "UNJAM_INVALID_OPTION"],
    [[], "UNJAM_INVALID_OPTION"],
  ])("are refused with the name of what is wrong: %j", (options, code) => {
    expect(() => make(options)).toThrow(expect.objectContaining({ code }));
  });

  it("have defaults: 100,000 items, first in first out, named queue", () => {
    const queue = new JoinableQueue<number>();

    expect([queue.capacity, queue.name]).toEqual([100_000, "queue"]);
  });
});

describe("the options of a wait", () => {
  it.each([
    [{ waitMs: -1 }, "UNJAM_INVALID_OPTION"],
    [{ waitMs: Number.NaN }, "UNJAM_INVALID_OPTION"],
    [{ waitMs: "5s" }, "UNJAM_INVALID_OPTION"],
    [{ waitS: 5 }, "UNJAM_UNKNOWN_OPTION"],
    [{ signal: foreignSignal }, "UNJAM_INVALID_OPTION"],
    [7, "UNJAM_INVALID_OPTION"],
  ])("are refused by a rejection, and nothing is put or taken: %j", async (options, code) => {
    const { queue } = new QueueStage<unknown>();
    const calls = [
      () => loose(queue.put.bind(queue))("a", options),
      () => loose(queue.ask.bind(queue))("a", options),
      () => loose(queue.get.bind(queue))(options),
      () => loose(queue.join.bind(queue))(options),
    ];

    for (const call of calls) await expect(call()).rejects.toMatchObject({ code });
    await expect(loose(queue.put.bind(queue))("a", { whenFull: "explode" })).rejects.toMatchObject({
      code: "UNJAM_INVALID_OPTION",
    });
    expect(queue.snapshot()).toMatchObject({ unfinished: 0, takers: 0, putters: 0 });
  });
});

describe("the options of a consumer", () => {
  it.each([
    [{ concurrency: 0 }, "UNJAM_INVALID_OPTION"],
    [{ restarts: { max: -1 } }, "UNJAM_INVALID_OPTION"],
    [{ restarts: { times: 1 } }, "UNJAM_UNKNOWN_OPTION"],
    [{ onError: "log" }, "UNJAM_INVALID_OPTION"],
    [{ signal: foreignSignal }, "UNJAM_INVALID_OPTION"],
    [{ name: "two words" }, "UNJAM_QUEUE_NAME_INVALID"],
    [null, "UNJAM_INVALID_OPTION"],
  ])("are refused, and nobody consumes: %j", (options, code) => {
    const { queue } = new QueueStage<string>();

    expect(() => loose(queue.consume.bind(queue))(() => undefined, options)).toThrow(
      expect.objectContaining({ code }),
    );
    expect(() => loose(queue.consume.bind(queue))("handler")).toThrow(
      expect.objectContaining({ code: "UNJAM_INVALID_OPTION" }),
    );
    expect(queue.consumers).toBe(0);
  });

  it("of stop and close are refused too, and change nothing", () => {
    const { queue } = new QueueStage<string>();
    const consumer = queue.consume(() => undefined);

    for (const graceMs of [-1, Number.NaN, "5s"]) {
      expect(() => loose((options: object) => consumer.stop(options))({ graceMs })).toThrow(
        expect.objectContaining({ code: "UNJAM_INVALID_OPTION" }),
      );
    }
    expect(() => loose(queue.close.bind(queue))({ drop: "yes" })).toThrow(
      expect.objectContaining({ code: "UNJAM_INVALID_OPTION" }),
    );
    expect(queue.snapshot()).toMatchObject({ phase: "open", consumers: 1 });
  });
});
