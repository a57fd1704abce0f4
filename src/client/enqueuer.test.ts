import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import { SteppedClock } from "../../test/runtime/stepped-clock.ts";
import type { EnqueueOptions } from "../core/enqueue-order.ts";
import type { StandardSchema } from "../core/standard-schema.ts";
import { taskBody } from "../core/task.ts";
import { IdSource } from "../runtime/id-source.ts";
import type { Added, AddRequest, ToEngine } from "../runtime/messages.ts";
import { Enqueuer } from "./enqueuer.ts";
import { handleOf, type HandleLink, type JobHandle } from "./job-handle.ts";
import { Outbox } from "./outbox.ts";
import { task, type Task } from "./task.ts";

/** Never asked in these tests: they look at ids only. */
const NO_LINK: HandleLink = {
  wait: () => Promise.resolve(undefined),
  find: () => Promise.resolve(undefined),
  cancel: () => Promise.resolve(false),
};

class Scene {
  readonly clock = new SteppedClock();
  readonly requests: AddRequest[] = [];
  readonly enqueuer: Enqueuer;
  readonly #outbox: Outbox<JobHandle>;
  readonly #ids = new IdSource(() => Promise.resolve(1));

  /** @param known the tasks that the app was opened with */
  constructor(known: readonly Task[] = []) {
    const { clock } = this;
    const send = (message: ToEngine): void => {
      if (message.type === "work") this.requests.push(...message.adds);
    };
    const draw = (count: number): Promise<number[]> => this.#ids.take(count);
    this.#outbox = new Outbox({ clock, timers: clock, draw }, send, handleOf(NO_LINK));
    const bodies = known.flatMap((value) => taskBody(value) ?? []);
    this.enqueuer = new Enqueuer({
      ...{ clock, outbox: this.#outbox },
      ids: this.#ids,
      bodies: new Map(bodies.map((body) => [body.facts.name, body])),
      bounds: new Map([["mail", { capacity: 10, waitersMax: 3 }]]),
    });
  }

  /** As an open app is: with its first block of ids. */
  async prepared(): Promise<this> {
    await this.#ids.prepare();
    return this;
  }

  /** What is sent for one job. */
  async sentFor(options?: EnqueueOptions): Promise<AddRequest> {
    void this.enqueuer.enqueue(send, {}, options);
    await this.clock.settle();
    const [request] = this.requests;
    if (request === undefined) throw new RangeError("nothing was sent");
    return request;
  }

  async answer(...outcomes: readonly Added[]): Promise<void> {
    await this.clock.settle();
    const pairs = outcomes.map((outcome, index) => [index, outcome] as const);
    this.#outbox.answered({ type: "added", batch: 0, outcomes: pairs });
  }
}

const send = task("send", { queue: "mail" }, (_: object) => undefined);

/** Takes what has a width, and makes a number of it; says so later when told to. */
function widthSchema(isLate = false): StandardSchema<{ width: string }, { width: number }> {
  const check = (
    value: unknown,
  ): { value: { width: number } } | { issues: { message: string }[] } =>
    typeof value === "object" && value !== null && "width" in value
      ? { value: { width: Number(value.width) } }
      : { issues: [{ message: "no width" }] };
  return {
    "~standard": {
      version: 1,
      vendor: "test",
      validate: (value) => (isLate ? Promise.resolve(check(value)) : check(value)),
    },
  };
}

describe("a job's input", () => {
  it("is stored as it was given, not as the schema makes it", async () => {
    const scene = new Scene();
    const resize = task("resize", { input: widthSchema() });

    void scene.enqueuer.enqueue(resize, { width: "7" }, undefined);
    await scene.clock.settle();

    expect(scene.requests[0]?.group.payloads).toEqual(['{"width":"7"}']);
  });

  it.each([
    ["without a schema", task("resize")],
    ["with a schema", task("resize", { input: widthSchema() })],
    ["with a schema that answers later", task("resize", { input: widthSchema(true) })],
  ])("%s is what it was in the turn of the call", async (_, resize) => {
    const scene = new Scene();
    const input = { width: "7" };

    void scene.enqueuer.enqueue(resize, input, undefined);
    input.width = "8";
    await scene.clock.settle();

    expect(scene.requests[0]?.group.payloads).toEqual(['{"width":"7"}']);
  });

  it("is what it was in the turn of the call also for many jobs", async () => {
    const scene = new Scene();
    const resize = task("resize", { input: widthSchema(true) });
    const inputs = [{ width: "1" }, { width: "2" }];

    void scene.enqueuer.enqueueMany(resize, inputs, undefined);
    for (const input of inputs) input.width = "9";
    await scene.clock.settle();

    expect(scene.requests[0]?.group.payloads).toEqual(['{"width":"1"}', '{"width":"2"}']);
  });

  it.each([false, true])("that does not fit is refused (late: %s)", async (isLate) => {
    const scene = new Scene();
    const resize = task("resize", { input: widthSchema(isLate) });

    await expect(scene.enqueuer.enqueue(resize, {}, undefined)).rejects.toMatchObject({
      code: "UNJAM_PAYLOAD_INVALID",
      details: { task: "resize", issues: ["no width"] },
    });
  });

  it("that is not JSON is refused, whatever a late schema thinks of it", async () => {
    const scene = new Scene();
    const resize = task("resize", { input: widthSchema(true) });

    await expect(scene.enqueuer.enqueue(resize, 1n, undefined)).rejects.toMatchObject({
      code: "UNJAM_PAYLOAD_NOT_SERIALIZABLE",
    });
  });

  it("that does not fit keeps all others of its batch out", async () => {
    const scene = new Scene();
    const resize = task("resize", { input: widthSchema() });

    await expect(
      scene.enqueuer.enqueueMany(resize, [{ width: "1" }, {}], undefined),
    ).rejects.toMatchObject({ code: "UNJAM_PAYLOAD_INVALID" });
    expect(scene.requests).toEqual([]);
  });
});

describe("jobs of one turn", () => {
  it("that are enqueued without options share a group, by value or by name", async () => {
    const scene = new Scene([send]);

    void scene.enqueuer.enqueue(send, { n: 1 }, undefined);
    void scene.enqueuer.enqueue("send", { n: 2 }, undefined);
    await scene.clock.settle();

    expect(scene.requests.map(({ group }) => group.payloads)).toEqual([['{"n":1}', '{"n":2}']]);
  });

  it("of one enqueueMany are one group of their own, stored together", async () => {
    const scene = new Scene();

    void scene.enqueuer.enqueueMany(send, [{ n: 1 }, { n: 2 }], undefined);
    void scene.enqueuer.enqueue(send, { n: 3 }, undefined);
    await scene.clock.settle();

    expect(scene.requests.map(({ group }) => [group.payloads.length, group.atomic])).toEqual([
      [2, true],
      [1, false],
    ]);
  });

  it("have their ids and go out in the order of the calls, whatever their options", async () => {
    const scene = await new Scene().prepared();
    const checked = task("checked", { input: widthSchema() });

    void scene.enqueuer.enqueue(send, {}, { priority: 1 });
    void scene.enqueuer.enqueueMany(send, [{}, {}], undefined);
    void scene.enqueuer.enqueue(checked, { width: "7" }, undefined);
    void scene.enqueuer.enqueue(send, {}, undefined);
    await scene.clock.settle();

    expect(scene.requests.map(({ group }) => group.ids)).toEqual([[1], [2, 3], [4], [5]]);
  });
});

describe("an enqueue's options", () => {
  it("left out wait for room and store for the default time, with the queue's bounds", async () => {
    const scene = new Scene();
    const now = scene.clock.now();

    const request = await scene.sentFor();

    expect(request).toMatchObject({
      whenFull: "wait",
      waitersMax: 3,
      deadline: now + 30_000,
      group: { capacity: 10, shape: { queue: "mail", task: "send", priority: 0, runAt: null } },
    });
  });

  it("count delay and expiry from the wall clock, and the wait from the monotonic one", async () => {
    const scene = new Scene();
    const [now, wallNow] = [scene.clock.now(), scene.clock.wallNow()];

    const request = await scene.sentFor({ delayMs: 10_000, expireMs: 60_000, waitMs: 5 });

    expect(request.group.shape).toMatchObject({
      runAt: wallNow + 10_000,
      expireAt: wallNow + 60_000,
    });
    expect(request).toMatchObject({ deadline: now + 5, answerBy: now + 250 });
  });

  it.each([
    ["a Date", new Date(1_900_000_000_000)],
    ["milliseconds", 1_900_000_000_000],
  ])("take runAt as %s", async (_, runAt) => {
    const request = await new Scene().sentFor({ runAt });

    expect(request.group.shape.runAt).toBe(1_900_000_000_000);
  });

  it("take priority, key and what to do when full", async () => {
    const whenFull = { retry: { firstMs: 5 } };

    const request = await new Scene().sentFor({ priority: 9, key: "user-7", whenFull });

    expect(request.group.shape).toMatchObject({ priority: 9, key: "user-7" });
    expect(request.whenFull).toMatchObject({ retry: { firstMs: 5, factor: 2 } });
  });

  it.each([
    ["UNJAM_UNKNOWN_OPTION", { delay: 10 }],
    ["UNJAM_INVALID_OPTION", { delayMs: "10s" }],
    ["UNJAM_INVALID_OPTION", { delayMs: 10, runAt: 20 }],
    ["UNJAM_INVALID_OPTION", { runAt: new Date("never") }],
    ["UNJAM_INVALID_OPTION", { priority: 10 }],
    ["UNJAM_INVALID_OPTION", { whenFull: "drop" }],
    ["UNJAM_INVALID_OPTION", { signal: "soon" }],
    ["UNJAM_INVALID_OPTION", { id: "" }],
    ["UNJAM_NOT_SUPPORTED", { tx: {} }],
    ["UNJAM_INVALID_OPTION", { whenFull: "drop-middle" }],
  ])("are refused with %s when they are %j", async (code, options) => {
    const scene = new Scene();

    const enqueued = scene.enqueuer.enqueue(send, {}, options as EnqueueOptions);

    await expect(enqueued).rejects.toMatchObject({ code });
    expect(scene.requests).toEqual([]);
  });
});

describe("a handle", () => {
  it("has the number that the job was stored with", async () => {
    const scene = new Scene();
    const enqueued = scene.enqueuer.enqueue(send, {}, undefined);

    await scene.answer({ kind: "added" });

    expect((await enqueued).id).toBe("j_1");
  });

  it("has the caller's own id, also when the job was there already", async () => {
    const scene = new Scene();
    const enqueued = scene.enqueuer.enqueue(send, {}, { id: "order-17" });

    await scene.answer({ kind: "exists", id: 46 });

    expect((await enqueued).id).toBe("order-17");
    expect(scene.requests[0]?.group.shape.callerId).toBe("order-17");
  });

  it("of a repeated enqueue with an id of ours takes that very number", async () => {
    const scene = new Scene();
    const enqueued = scene.enqueuer.enqueue(send, {}, { id: "j_1a" });

    await scene.answer({ kind: "added" });

    expect((await enqueued).id).toBe("j_1a");
    expect(scene.requests[0]?.group).toMatchObject({ ids: [46], shape: { callerId: "j_1a" } });
  });

  it("is that of the job which has the key, not of the id that was not stored", async () => {
    const scene = new Scene();
    const enqueued = scene.enqueuer.enqueue(send, {}, { id: "order-17", key: "user-7" });

    await scene.answer({ kind: "exists", id: 46 });

    expect((await enqueued).id).toBe("j_1a");
  });

  it("comes for each input, in their order", async () => {
    const scene = new Scene();
    const enqueued = scene.enqueuer.enqueueMany(send, [{}, {}, {}], undefined);

    await scene.answer({ kind: "added" }, { kind: "added" }, { kind: "added" });

    expect((await enqueued).map(({ id }) => id)).toEqual(["j_1", "j_2", "j_3"]);
  });
});

describe("a signal", () => {
  it("that is aborted already keeps the job out", async () => {
    const scene = new Scene();
    const signal = AbortSignal.abort("too late");

    await expect(scene.enqueuer.enqueue(send, {}, { signal })).rejects.toBe("too late");
    await scene.clock.settle();

    expect(scene.requests).toEqual([]);
  });

  it("ends the wait, not the work", async () => {
    const scene = new Scene();
    const abort = new AbortController();
    const enqueued = scene.enqueuer.enqueue(send, {}, { signal: abort.signal });
    const failure = enqueued.catch((reason: unknown) => reason);
    await scene.clock.settle();

    abort.abort("enough");
    await scene.answer({ kind: "added" });

    expect(await failure).toBe("enough");
    expect(scene.requests).toHaveLength(1);
  });

  it("of a long life gathers no listeners", async () => {
    const scene = new Scene();
    const { signal } = new AbortController();
    const enqueued = scene.enqueuer.enqueue(send, {}, { signal });

    await scene.answer({ kind: "added" });
    await enqueued;
    await scene.clock.settle();

    expect(getEventListeners(signal, "abort")).toEqual([]);
  });
});

describe("an enqueuer", () => {
  it.each([["nobody"], [{ name: "nobody" }], [7], [undefined]])(
    "refuses %j, which is no task that it knows",
    async (unknown) => {
      const scene = new Scene([send]);

      await expect(scene.enqueuer.enqueue(unknown, {}, undefined)).rejects.toMatchObject({
        code: "UNJAM_TASK_UNKNOWN",
        details: { known: ["send"] },
      });
    },
  );

  it("takes a task that the app was not opened with", async () => {
    const scene = new Scene();

    await scene.sentFor();

    expect(scene.requests).toHaveLength(1);
  });

  it("refuses more than 10,000 jobs at once, and an id or key for many", async () => {
    const { enqueuer } = new Scene();
    const many = Array.from({ length: 10_001 }, () => ({}));

    await expect(enqueuer.enqueueMany(send, many, undefined)).rejects.toMatchObject({
      code: "UNJAM_BATCH_TOO_LARGE",
    });
    await expect(enqueuer.enqueueMany(send, [{}], { id: "one" })).rejects.toMatchObject({
      code: "UNJAM_NOT_SUPPORTED",
    });
    await expect(enqueuer.enqueueMany(send, [{}], { key: "one" })).rejects.toMatchObject({
      code: "UNJAM_NOT_SUPPORTED",
    });
  });

  it("sends nothing for no inputs", async () => {
    const scene = new Scene();

    expect(await scene.enqueuer.enqueueMany(send, [], undefined)).toEqual([]);
    await scene.clock.settle();

    expect(scene.requests).toEqual([]);
  });
});
