import { describe, expect, it } from "vitest";
import { UnjamError } from "../core/errors.ts";
import type { ClaimedJob } from "../core/job.ts";
import { LEASE_MS, LOCK_RETRY_MS } from "../core/limits.ts";
import type { AttemptEnd } from "../core/outcome.ts";
import { someFacts } from "../../test/runtime/job-builders.ts";
import { StoreStage } from "../../test/runtime/store-stage.ts";
import type { Attempt } from "./executor.ts";
import { Settler } from "./settler.ts";

const RETURNED: AttemptEnd = { kind: "returned", result: "42", problem: null };
const DISK_FULL = new UnjamError("UNJAM_STORE_DISK_FULL", { file: "jobs.db" });

async function aSettler() {
  const stage = await StoreStage.open();
  const settled: number[] = [];
  const retries: number[] = [];
  const lost = { count: 0 };
  const settler = new Settler({
    ...stage.tools,
    onSettled: (ids) => settled.push(...ids),
    onRetry: (runAt) => retries.push(runAt),
    onLost: () => lost.count++,
  });
  const [lane] = stage.lanes;
  if (lane === undefined) throw new Error("the stage has a lane");
  /** Attempts of jobs that this owner holds. */
  const attempts = async (count: number): Promise<Attempt[]> => {
    await stage.add(count);
    const slots = [{ queue: "mail", tasks: ["send"], limit: count }];
    const claimed = await stage.gate.store.claim({ owner: stage.owner, slots }, stage.deadline);
    return claimed.map((job: ClaimedJob) => ({ job, facts: someFacts(), lane, since: 0 }));
  };
  const stateOf = async ({ job }: Attempt): Promise<string | undefined> =>
    (await stage.gate.store.get([job.id]))[0]?.state;
  const unconfirmedIds = (): number[] => [...settler.unconfirmed].map(({ job }) => job.id);
  return { stage, settler, settled, retries, lost, attempts, stateOf, unconfirmedIds };
}

describe("the settler", () => {
  it("writes all ends that were noted in one call", async () => {
    const { stage, settler, attempts } = await aSettler();
    const three = await attempts(3);

    for (const attempt of three) settler.add(attempt, RETURNED);
    settler.flush();
    await stage.clock.settle();

    expect(stage.gate.callsOf("settle").map(([settlements]) => settlements.length)).toEqual([3]);
  });

  it("tells which jobs are settled once they are stored", async () => {
    const { stage, settler, settled, attempts, stateOf } = await aSettler();
    const [attempt] = await attempts(1);
    if (attempt === undefined) throw new Error("one was claimed");
    stage.gate.hold("settle");
    settler.add(attempt, RETURNED);
    settler.flush();
    await stage.clock.settle();
    const settledBefore = [...settled];

    stage.gate.release("settle");
    await stage.clock.settle();

    expect(settledBefore).toEqual([]);
    expect(settled).toEqual([attempt.job.id]);
    expect(await stateOf(attempt)).toBe("done");
  });

  it("does not call a job settled whose lease was lost", async () => {
    const { stage, settler, settled, attempts } = await aSettler();
    const [lost, held] = await attempts(2);
    if (lost === undefined || held === undefined) throw new Error("two were claimed");
    const request = { ids: [lost.job.id], keepMs: 1, error: "{}" };
    await stage.gate.store.cancel(request, stage.deadline);

    settler.add(lost, RETURNED);
    settler.add(held, RETURNED);
    settler.flush();
    await stage.clock.settle();

    expect(settled).toEqual([held.job.id]);
  });

  it("keeps what the store refuses, and tries again with longer and longer pauses", async () => {
    const { stage, settler, settled, attempts } = await aSettler();
    const [attempt] = await attempts(1);
    if (attempt === undefined) throw new Error("one was claimed");
    stage.gate.fail("settle", DISK_FULL, 3);
    settler.add(attempt, RETURNED);
    settler.flush();

    const counts: number[] = [];
    for (const pauseMs of [0, LOCK_RETRY_MS, 2 * LOCK_RETRY_MS, 4 * LOCK_RETRY_MS]) {
      await stage.clock.advance(pauseMs);
      counts.push(stage.gate.countOf("settle"));
    }

    expect(counts).toEqual([1, 2, 3, 4]);
    expect(settled).toEqual([attempt.job.id]);
    expect(stage.errors).toHaveLength(3);
  });

  it("never pauses longer than a second between two tries", async () => {
    const { stage, settler, attempts } = await aSettler();
    const [attempt] = await attempts(1);
    if (attempt === undefined) throw new Error("one was claimed");
    stage.gate.fail("settle", DISK_FULL, 100);
    settler.add(attempt, RETURNED);
    settler.flush();
    await stage.clock.advance(30_000);
    const countBefore = stage.gate.countOf("settle");

    await stage.clock.advance(10_000);

    expect(stage.gate.countOf("settle")).toBe(countBefore + 10);
  });

  it("names the leases to keep until their outcome is stored", async () => {
    const { stage, settler, attempts, unconfirmedIds } = await aSettler();
    const [attempt] = await attempts(1);
    if (attempt === undefined) throw new Error("one was claimed");
    stage.gate.fail("settle", DISK_FULL);
    settler.add(attempt, RETURNED);
    settler.flush();
    await stage.clock.settle();
    const idsBefore = unconfirmedIds();

    await stage.clock.advance(LEASE_MS);

    expect(idsBefore).toEqual([attempt.job.id]);
    expect(unconfirmedIds()).toEqual([]);
    expect(settler.unconfirmedCount).toBe(0);
  });

  it("tells when the first of the jobs is due that are to be tried again", async () => {
    const { stage, settler, retries, attempts } = await aSettler();
    const [first, second] = await attempts(2);
    if (first === undefined || second === undefined) throw new Error("two were claimed");
    const threw = { kind: "threw", error: "{}", isFinal: false } as const;

    settler.add(first, { ...threw, retryInMs: 70_000 });
    settler.add(second, { ...threw, retryInMs: 40_000 });
    settler.flush();
    await stage.clock.settle();

    expect(retries).toEqual([stage.clock.wallNow() + 40_000]);
  });

  it("tells that a job which was lost with its thread may run again at once", async () => {
    const { stage, settler, lost, attempts } = await aSettler();
    const [attempt] = await attempts(1);
    if (attempt === undefined) throw new Error("one was claimed");

    settler.add(attempt, { kind: "lost", error: "{}", isGuilty: true });
    settler.flush();
    await stage.clock.settle();

    expect(lost.count).toBe(1);
  });

  it("does not let a batch that fails hold up the next", async () => {
    const { stage, settler, settled, attempts } = await aSettler();
    const [first, second] = await attempts(2);
    if (first === undefined || second === undefined) throw new Error("two were claimed");
    stage.gate.fail("settle", DISK_FULL);
    settler.add(first, RETURNED);
    settler.flush();
    await stage.clock.settle();

    settler.add(second, RETURNED);
    settler.flush();
    await stage.clock.settle();

    expect(settled).toEqual([second.job.id]);
  });

  it("writes what was noted when it is stopped, and waits for the tries that fail", async () => {
    const { stage, settler, settled, attempts } = await aSettler();
    const [attempt] = await attempts(1);
    if (attempt === undefined) throw new Error("one was claimed");
    stage.gate.fail("settle", DISK_FULL, 2);
    settler.add(attempt, RETURNED);

    const stopped = settler.stop(new AbortController().signal);
    await stage.clock.advance(3 * LOCK_RETRY_MS);
    await stopped;

    expect(settled).toEqual([attempt.job.id]);
  });

  it("gives up trying when the grace is over", async () => {
    const { stage, settler, attempts } = await aSettler();
    const [attempt] = await attempts(1);
    if (attempt === undefined) throw new Error("one was claimed");
    stage.gate.fail("settle", DISK_FULL, 1_000);
    settler.add(attempt, RETURNED);
    settler.flush();
    await stage.clock.settle();

    await settler.stop(AbortSignal.abort());
    const pendingCount = stage.clock.pendingCount;
    await stage.clock.advance(60_000);

    expect(pendingCount).toBe(0);
    expect(stage.gate.countOf("settle")).toBe(1);
  });
});
