import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import { PlayedEngine, someQueue, someRecord } from "../../test/client/played-engine.ts";
import { toErrorRecord } from "../core/error-record.ts";
import { UnjamError } from "../core/errors.ts";
import { ANSWER_SLACK_MS } from "../core/limits.ts";

const PATIENT = { waitMs: 10_000, signal: undefined };

function watched(engine: PlayedEngine): readonly (readonly number[])[] {
  return engine.received.flatMap((message) => (message.type === "watch" ? [message.ids] : []));
}

function unwatched(engine: PlayedEngine): readonly (readonly number[])[] {
  return engine.received.flatMap((message) => (message.type === "unwatch" ? [message.ids] : []));
}

function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => "it did not fail",
    (error: unknown) => error,
  );
}

describe("a call", () => {
  it("is answered by its number, whatever the order of the answers", async () => {
    const engine = new PlayedEngine();
    const calls = [
      engine.client.call({ name: "queues" }, 1_000),
      engine.client.call({ name: "reserveIds", count: 5 }, 1_000),
    ];
    await engine.clock.settle();

    engine.says({ type: "answer", call: 2, answer: 77 });
    engine.says({ type: "answer", call: 1, answer: [someQueue()] });
    await engine.clock.settle();

    expect(await Promise.all(calls)).toEqual([[someQueue()], 77]);
    expect(engine.clock.pendingCount).toBe(0);
  });

  it("tells the engine until when it may take", async () => {
    const engine = new PlayedEngine();
    const now = engine.clock.now();

    const failure = failureOf(engine.client.call({ name: "queues" }, 1_000));
    await engine.clock.settle();

    expect(engine.calls("queues")).toMatchObject([{ request: { deadline: now + 1_000 } }]);
    await engine.clock.advance(2_000);
    await failure;
  });

  it("that is refused fails with the engine's error", async () => {
    const engine = new PlayedEngine();
    const error = toErrorRecord(
      new UnjamError("UNJAM_STORE_LOCKED", { file: "jobs.db", waitedMs: 7 }),
    );
    const failure = failureOf(engine.client.call({ name: "queues" }, 1_000));

    engine.says({ type: "refusal", call: 1, error });
    await engine.clock.settle();

    expect(await failure).toMatchObject({ code: "UNJAM_STORE_LOCKED", details: { waitedMs: 7 } });
  });

  it("without an answer ends a little after its time, and does not take a late one", async () => {
    const engine = new PlayedEngine();
    const failure = failureOf(engine.client.call({ name: "queues" }, 1_000));

    await engine.clock.advance(1_000 + ANSWER_SLACK_MS);
    engine.says({ type: "answer", call: 1, answer: [] });
    await engine.clock.settle();

    expect(await failure).toMatchObject({
      code: "UNJAM_WAIT_TIMEOUT",
      details: { what: "queues", waitedMs: 1_050 },
    });
  });
});

describe("a wait for a job", () => {
  it("ends with the record that the engine tells, for all who wait", async () => {
    const engine = new PlayedEngine();
    const waits = [engine.client.settled(1, PATIENT), engine.client.settled(1, PATIENT)];
    await engine.clock.settle();

    engine.says({ type: "settled", records: [someRecord({ result: "7" })], gone: [] });
    await engine.clock.settle();

    expect(await Promise.all(waits)).toEqual([
      someRecord({ result: "7" }),
      someRecord({ result: "7" }),
    ]);
    expect(watched(engine)).toEqual([[1]]);
    expect(unwatched(engine)).toEqual([]);
    expect(engine.clock.pendingCount).toBe(0);
  });

  it("ends without a record when the job is not in the store", async () => {
    const engine = new PlayedEngine();
    const wait = engine.client.settled(1, PATIENT);

    engine.says({ type: "settled", records: [], gone: [1] });
    await engine.clock.settle();

    expect(await wait).toBeUndefined();
  });

  it("is told to the engine together with all that begin in the same turn", async () => {
    const engine = new PlayedEngine();
    const abort = new AbortController();
    const ends = [1, 2, 3].map((id) =>
      failureOf(engine.client.settled(id, { waitMs: 1_000, signal: abort.signal })),
    );

    await engine.clock.settle();

    expect(watched(engine)).toEqual([[1, 2, 3]]);
    abort.abort("enough");
    expect(await Promise.all(ends)).toEqual(["enough", "enough", "enough"]);
  });

  it("ends at its deadline, and the last of a job's waits takes it off the engine's list", async () => {
    const engine = new PlayedEngine();
    const short = failureOf(engine.client.settled(1, { waitMs: 1_000, signal: undefined }));
    const long = failureOf(engine.client.settled(1, { waitMs: 2_000, signal: undefined }));

    await engine.clock.advance(1_000);
    const afterFirst = unwatched(engine).length;
    await engine.clock.advance(1_000);

    expect(await short).toMatchObject({
      code: "UNJAM_WAIT_TIMEOUT",
      details: { what: "the result of job j_1", waitedMs: 1_000 },
    });
    expect(await long).toMatchObject({ details: { waitedMs: 2_000 } });
    expect([afterFirst, unwatched(engine)]).toEqual([0, [[1]]]);
  });

  it("ends with its signal's reason, and leaves no listener", async () => {
    const engine = new PlayedEngine();
    const abort = new AbortController();
    const { signal } = abort;
    const failure = failureOf(engine.client.settled(1, { waitMs: 1_000, signal }));
    await engine.clock.settle();

    abort.abort("enough");

    expect(await failure).toBe("enough");
    expect(getEventListeners(signal, "abort")).toEqual([]);
    expect(engine.clock.pendingCount).toBe(0);
  });

  it("with a signal that is aborted already asks nothing", async () => {
    const engine = new PlayedEngine();
    const signal = AbortSignal.abort("too late");

    expect(await failureOf(engine.client.settled(1, { waitMs: 1_000, signal }))).toBe("too late");
    await engine.clock.settle();

    expect(engine.received).toEqual([]);
  });
});

describe("a new engine", () => {
  it("is asked for everything that the old one owed, with the old deadlines", async () => {
    const engine = new PlayedEngine();
    const call = engine.client.call({ name: "queues" }, 1_000);
    const wait = engine.client.settled(1, PATIENT);
    await engine.clock.advance(500);
    const asked = engine.received.splice(0);

    engine.answers("queues", () => []);
    engine.client.resend();
    await engine.clock.settle();
    engine.says({ type: "settled", records: [someRecord()], gone: [] });
    await engine.clock.settle();

    expect(engine.received.toSorted(byType)).toEqual(asked.toSorted(byType));
    expect(await Promise.all([call, wait])).toEqual([[], someRecord()]);
  });

  it("is asked nothing when nothing is owed", async () => {
    const engine = new PlayedEngine();

    engine.client.resend();
    await engine.clock.settle();

    expect(engine.received).toEqual([]);
  });
});

describe("without an engine", () => {
  it("whoever waits and whoever comes is rejected, and no timer is left", async () => {
    const engine = new PlayedEngine();
    const lost = new UnjamError("UNJAM_STORE_LOST", { reason: "it exited" });
    const failures = [
      failureOf(engine.client.call({ name: "queues" }, 1_000)),
      failureOf(engine.client.settled(1, PATIENT)),
    ];

    engine.client.rejectAll(lost);
    failures.push(
      failureOf(engine.client.call({ name: "queues" }, 1_000)),
      failureOf(engine.client.settled(1, PATIENT)),
    );

    expect(await Promise.all(failures)).toEqual([lost, lost, lost, lost]);
    expect(engine.clock.pendingCount).toBe(0);
    expect(engine.client.waits()).toEqual([]);
  });
});

describe("open waits", () => {
  it("are listed with what for, since when and until when", async () => {
    const engine = new PlayedEngine();
    const now = engine.clock.now();
    const ends = [
      failureOf(engine.client.call({ name: "queues" }, 1_000)),
      failureOf(engine.client.settled(46, PATIENT)),
    ];

    expect(engine.client.waits()).toMatchObject([
      { name: "queues", since: now, deadline: now + 1_000, count: 1 },
      { name: "result of j_1a", since: now, deadline: now + 10_000, count: 1 },
    ]);
    await engine.clock.advance(20_000);
    await Promise.all(ends);
  });
});

function byType(a: { readonly type: string }, b: { readonly type: string }): number {
  return a.type.localeCompare(b.type);
}
