import { describe, expect, it } from "vitest";
import { someQueue, someRecord } from "../../test/client/played-engine.ts";
import { jobHeldBy, jobWaitsFor, queueHeldBy } from "./job-holding.ts";
import { describeWaits, joinWait, type LocalWait } from "./open-waits.ts";

const OWNER = {
  ...{ id: 5, pid: 42, processStart: null, machine: "m", label: "pid 42", queues: ["mail"] },
  ...{ joinedAt: 0, beatAt: 90_000, leftAt: null, reason: null },
};
const HOLDERS = {
  ...{ now: 91_000, wallNow: 5_000, queues: [someQueue({ counts: { ready: 3, leased: 1 } })] },
  ...{ owners: [OWNER], runsOf: (): "thread" => "thread" },
};

describe("a wait of which the engine says nothing", () => {
  it("is shown all the same, and held by the store thread", () => {
    const base = { waiter: null, since: 1, deadline: 2, count: 1 };
    const enqueue = { kind: "enqueue", task: "send", queue: "mail", batch: 0 } as const;
    const local: LocalWait[] = [
      { ...base, name: "queues", awaited: { kind: "store" } },
      { ...base, name: "enqueue send → mail", awaited: enqueue },
      { ...base, name: "result of j_1", awaited: { kind: "job", id: "j_1" } },
      joinWait(undefined, 1, 1),
    ];

    const view = { facts: undefined, holders: HOLDERS, store: "the store thread" };
    const waits = describeWaits(local, view);

    expect(waits.map(({ name }) => name)).toEqual(local.map(({ name }) => name));
    for (const { heldBy } of waits) expect(heldBy).toContain("the store thread");
  });
});

describe("a job is held by", () => {
  it("an attempt in a lane of a process, which may wait for another job itself", () => {
    const job = someRecord({ state: "leased", owner: 5, claimedAt: 2_000, awaits: 36 });

    expect(jobHeldBy(job, HOLDERS)).toBe(
      "attempt 2 on a thread of pid 42 for 3000 ms, waiting for job j_10",
    );
    expect(jobWaitsFor(job, HOLDERS)).toBe("job j_10");
  });

  it("a process of its own when it is a suspect", () => {
    const job = someRecord({ state: "leased", owner: 7, claimedAt: null, losses: 2 });

    expect(jobHeldBy(job, HOLDERS)).toBe("attempt 2 alone in a process of owner 7");
  });

  it("nobody while it waits for a slot, for its next attempt, or when it is over", () => {
    const ready = someRecord({ state: "ready" });
    const retrying = someRecord({ state: "scheduled", runAt: 0, attempt: 2 });

    expect(jobHeldBy(ready, HOLDERS)).toBe(
      'nobody: it waits for a slot; the consumers of queue "mail": pid 42; 3 waiting (capacity 100), 1 running',
    );
    expect(jobHeldBy(retrying, HOLDERS)).toBe(
      "nobody: it waits for its attempt 3 at 1970-01-01T00:00:00.000Z",
    );
    expect(jobHeldBy(someRecord({ state: "done" }), HOLDERS)).toBe("nobody: it is done");
  });
});

describe("a queue is held by", () => {
  it("nobody when its consumers went or stopped beating", () => {
    const gone = { ...OWNER, leftAt: 1 };
    const silent = { ...OWNER, beatAt: 0 };

    const held = queueHeldBy("mail", { ...HOLDERS, owners: [gone, silent] });

    expect(held).toBe('queue "mail" has no live consumer; 3 waiting (capacity 100), 1 running');
  });

  it("its first consumers by name, and the number of the others", () => {
    const owners = Array.from({ length: 5 }, (_, n) => ({ ...OWNER, label: `w${n}` }));

    expect(queueHeldBy("mail", { ...HOLDERS, owners })).toContain(
      "w0, w1, w2 and 2 more; 3 waiting",
    );
  });
});
