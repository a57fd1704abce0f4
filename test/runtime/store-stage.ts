import type { JobShape, OwnerId } from "../../src/core/job.ts";
import type { TaskFacts } from "../../src/core/task.ts";
import { Executor, type Lane } from "../../src/runtime/executor.ts";
import { MemoryStore } from "../../src/store/memory/memory-store.ts";
import type { Store } from "../../src/store/store.ts";
import { aShape, anOwner } from "../conformance/scene.ts";
import { someFacts } from "./job-builders.ts";
import { SteppedClock } from "./stepped-clock.ts";
import { StoreGate } from "./store-gate.ts";

/** What a service gave to a lane, and what the lane was told to stop. */
export interface NotedLane extends Lane {
  readonly started: number[];
  readonly aborted: { readonly id: number; readonly token: number; readonly reason: string }[];
  givenBackCount: number;
  /** What it was told of jobs for members that do not stand yet. */
  readonly warmed: number[];
}

/** One where jobs are claimed only for members that stand. */
export function aWarmedLane(overrides: Partial<Pick<Lane, "name" | "slots">> = {}): NotedLane {
  const lane = aLane({ name: "alone", ...overrides });
  return Object.assign(lane, { warm: (count: number) => void lane.warmed.push(count) });
}

export function aLane(overrides: Partial<Pick<Lane, "name" | "slots">> = {}): NotedLane {
  const lane: NotedLane = {
    ...{ name: "loop", slots: 2, ...overrides },
    started: [],
    aborted: [],
    givenBackCount: 0,
    warmed: [],
    start: (jobs) => lane.started.push(...jobs.map(({ id }) => id)),
    abort: (leases, reason) =>
      lane.aborted.push(...leases.map(({ id, token }) => ({ id, token, reason }))),
    giveBack: () => void lane.givenBackCount++,
  };
  return lane;
}

interface ServiceTools {
  readonly clock: SteppedClock;
  readonly timers: SteppedClock;
  readonly store: Store;
  readonly executor: Executor;
  readonly random: () => number;
  readonly onError: (name: string, error: unknown) => void;
}

/** A memory store behind a gate, on stepped time, with one owner and an executor over some lanes. */
export class StoreStage {
  readonly clock: SteppedClock = new SteppedClock();
  readonly gate: StoreGate = new StoreGate(
    new MemoryStore({ clock: this.clock, timers: this.clock }),
  );
  readonly errors: { readonly name: string; readonly error: unknown }[] = [];
  readonly executor: Executor;
  readonly lanes: readonly NotedLane[];
  readonly owner: OwnerId;

  private constructor(owner: OwnerId, lanes: readonly NotedLane[], tasks: readonly TaskFacts[]) {
    this.owner = owner;
    this.lanes = lanes;
    this.executor = new Executor(this.clock, tasks, lanes);
  }

  static async open({
    lanes = [aLane()],
    tasks = [someFacts()],
  }: {
    readonly lanes?: readonly NotedLane[];
    readonly tasks?: readonly TaskFacts[];
  } = {}): Promise<StoreStage> {
    const stage = new StoreStage(1, lanes, tasks);
    const owner = await stage.gate.store.join(anOwner(), stage.deadline);
    if (owner !== stage.owner) throw new Error("the first owner of a store is number 1");
    return stage;
  }

  get deadline(): number {
    return this.clock.now() + 1_000_000;
  }

  /** What services are made of. */
  get tools(): ServiceTools {
    const { clock, gate, executor } = this;
    return {
      clock,
      timers: clock,
      store: gate.store,
      executor,
      random: () => 0.5,
      onError: (name, error) => this.errors.push({ name, error }),
    };
  }

  /** Stores jobs that are ready, numbered from the next free one. */
  async add(count: number, shape: Partial<JobShape> = {}): Promise<number[]> {
    const { store } = this.gate;
    const first = await store.reserveIds(count, this.deadline);
    const ids = Array.from({ length: count }, (_, index) => first + index);
    const group = {
      shape: aShape(shape),
      capacity: null,
      atomic: false,
      overflow: "refuse" as const,
      ids,
      payloads: ids.map(() => "{}"),
    };
    await store.add([group], this.deadline);
    return ids;
  }
}
