import { describe, expect, it } from "vitest";
import { SteppedClock } from "../../test/runtime/stepped-clock.ts";
import type { AppEvents } from "../core/events.ts";
import { IdSource } from "../runtime/id-source.ts";
import { readBeat } from "../runtime/loop-beat.ts";
import type { AttemptColumns } from "../runtime/messages.ts";
import { Enqueuer } from "./enqueuer.ts";
import { EventHub } from "./event-hub.ts";
import type { JobHandle } from "./job-handle.ts";
import { LoopHost } from "./loop-host.ts";
import { Outbox } from "./outbox.ts";
import { collectTasks, task } from "./task.ts";

/** A loop on which handlers wait until the end of the test, and what is told of its blocks. */
function aHost() {
  const clock = new SteppedClock();
  const ports = { clock, timers: clock };
  const told: AppEvents["blocked"][] = [];
  const lines: string[] = [];
  const write = (_: object, message: string): void => void lines.push(message);
  const events = new EventHub({ info: write, warn: write, error: write });
  events.on("blocked", (data) => told.push(data));
  const outbox = new Outbox<JobHandle>(
    { ...ports, draw: async () => [] },
    () => undefined,
    () => {
      throw new Error("nothing is enqueued here");
    },
  );
  const waiting = task("waiting", {}, () => new Promise(() => undefined));
  const other = task("other", {}, () => new Promise(() => undefined));
  const rude = task("rude", {}, async () => clock.freeze(80));
  const bodies = collectTasks([waiting, other, rude]);
  const ids = new IdSource(async () => 1);
  const enqueuer = new Enqueuer({ clock, outbox, ids, bodies, bounds: new Map() });
  const host = new LoopHost({
    ...{ ...ports, bodies, slots: 100, outbox, events, enqueuer },
    send: () => undefined,
    onBeating: () => undefined,
  });
  const run = (name: string, jobIds: number[]): void => {
    const ones = jobIds.map(() => 1);
    const none = { attempts: jobIds.map(() => 0), payloads: jobIds.map(() => "{}"), extras: null };
    const jobs: AttemptColumns = { task: name, queue: "q", ids: jobIds, tokens: ones, ...none };
    host.receive({ type: "attempts", jobs: [jobs] });
  };
  /** The loop stands still for so long, and turns again; answers the beat before it. */
  const block = async (ms: number): Promise<number> => {
    const lastBeat = readBeat(host.beat);
    clock.freeze(ms);
    await clock.advance(10);
    return lastBeat;
  };
  return { clock, host, told, lines, run, block };
}

describe("a block of which the watch has no answer", () => {
  it("names the only handler that was under way, and says that it is a candidate", async () => {
    const { host, told, lines, run, block } = aHost();
    run("waiting", [7]);

    const lastBeat = await block(60);
    host.blocked({ lastBeat, looks: [] });
    host.blocked({ lastBeat, looks: [] });

    const candidate = { task: "waiting", jobId: "j_7" };
    expect(told).toMatchObject([{ ...candidate, stack: null, candidates: [candidate] }]);
    expect(told[0]?.blockedMs).toBeGreaterThan(50);
    expect(lines).toEqual([expect.stringContaining("or by other code of this process")]);
  });

  it("names no one of several, but all as candidates, and logs each task once", async () => {
    const { host, told, lines, run, block } = aHost();
    run("waiting", [1, 2]);
    run("other", [3]);

    host.blocked({ lastBeat: await block(60), looks: [] });
    host.blocked({ lastBeat: await block(70), looks: [] });

    expect(told.map(({ task: name, jobId }) => [name, jobId])).toEqual([
      [null, null],
      [null, null],
    ]);
    expect(told[0]?.candidates.map(({ jobId }) => jobId).toSorted()).toEqual(["j_1", "j_2", "j_3"]);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/\((?:waiting, other|other, waiting)\)/);
  });

  it("names at most ten", async () => {
    const { host, told, run, block } = aHost();
    run(
      "waiting",
      Array.from({ length: 30 }, (_, n) => n + 1),
    );

    host.blocked({ lastBeat: await block(60), looks: [] });

    expect(told[0]?.candidates).toHaveLength(10);
  });

  it("is told of nobody when the loop itself was not late by so much", async () => {
    const { host, told, run, block } = aHost();
    run("waiting", [7]);

    host.blocked({ lastBeat: await block(50), looks: [] });

    expect(told).toEqual([]);
  });

  it("is left to the runner where that has measured it", async () => {
    const { clock, host, told, run } = aHost();
    run("waiting", [7]);
    await clock.advance(10);
    const lastBeat = readBeat(host.beat);

    run("rude", [8]);
    await clock.advance(10);
    host.blocked({ lastBeat, looks: [] });

    expect(told).toMatchObject([{ task: "rude", jobId: "j_8", candidates: [] }]);
  });
});

describe("attempts that an engine is to take over", () => {
  it("count the attempts before them, as those do that were claimed", () => {
    const { host, run } = aHost();

    run("waiting", [7]);

    expect(host.held()).toMatchObject([{ id: 7, task: "waiting", attempt: 0 }]);
  });
});
