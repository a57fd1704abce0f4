/**
 * Handlers that wait for the results of other jobs. Whoever waits lends its slot: as many more jobs
 * may be held by its lane, but only such that are waited for, so that a row of parents does not
 * take the slots that their children need. Those are claimed by name, past the jobs in front of
 * them. A wait that closes a circle is refused by the store, which sees all processes.
 */
import type { Clock } from "../core/clock.ts";
import { toErrorRecord } from "../core/error-record.ts";
import { UnjamError } from "../core/errors.ts";
import type { JobNumber, JobRecord, Lease } from "../core/job.ts";
import { formatJobId, parseJobId } from "../core/job-id.ts";
import { STATE_FACTS } from "../core/job-state.ts";
import { LEASE_MS } from "../core/limits.ts";
import type { AwaitAnswer, ClaimSlot, Store, WaitStep } from "../store/store.ts";
import type { Attempt, Executor, Lane } from "./executor.ts";
import type { AwaitMessage, WaitOutcome } from "./messages.ts";
import { ResultWatch } from "./result-watch.ts";

/** Who asked: a member of a crew, or the main loop. */
type Origin = number | "client";

interface Wait {
  readonly origin: Origin;
  readonly message: AwaitMessage;
  /** Known once the store has noted it. */
  awaited: JobRecord | undefined;
}

/** Jobs that are wanted by name for the lent slots of one lane. */
export interface Target {
  readonly lane: Lane;
  readonly slot: ClaimSlot & { readonly ids: readonly JobNumber[] };
}

export class JobWaits {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #executor: Executor;
  readonly #answer: (origin: Origin, call: number, outcome: WaitOutcome) => void;
  readonly #onChange: (awaited: readonly JobNumber[]) => void;
  readonly #onError: (name: string, error: unknown) => void;
  readonly #waits = new Map<string, Wait>();
  readonly #watch: ResultWatch;

  constructor(options: {
    readonly store: Store;
    readonly clock: Clock;
    readonly executor: Executor;
    readonly answer: (origin: Origin, call: number, outcome: WaitOutcome) => void;
    /** Other jobs are waited for than before: all of them. */
    readonly onChange: (awaited: readonly JobNumber[]) => void;
    readonly onError: (name: string, error: unknown) => void;
  }) {
    this.#store = options.store;
    this.#clock = options.clock;
    this.#executor = options.executor;
    this.#answer = options.answer;
    this.#onChange = options.onChange;
    this.#onError = options.onError;
    const tell = (records: readonly JobRecord[], gone: readonly JobNumber[]): void => {
      for (const record of records) this.#over(record.id, { kind: "settled", record });
      for (const id of gone) this.#over(id, { kind: "gone" });
    };
    this.#watch = new ResultWatch({ store: options.store, onError: options.onError, tell });
    options.executor.whenEnded((attempt) => this.#forget(attempt));
  }

  /** Waits of handlers on threads and in processes; those on the loop are known there. */
  get ofCrews(): readonly AwaitMessage[] {
    const waits = [...this.#waits.values()].filter(({ origin }) => origin !== "client");
    return waits.map(({ message }) => message);
  }

  /** All jobs that handlers wait for. */
  get awaitedIds(): readonly JobNumber[] {
    return [...new Set([...this.#waits.values()].flatMap(({ awaited }) => awaited?.id ?? []))];
  }

  get isWaiting(): boolean {
    return this.#waits.size > 0;
  }

  settled(ids: readonly JobNumber[]): void {
    this.#watch.settled(ids);
  }

  lookAtAll(): void {
    this.#watch.lookAtAll();
  }

  begin(origin: Origin, message: AwaitMessage): void {
    const wait: Wait = { origin, message, awaited: undefined };
    this.#waits.set(keyOf(origin, message.call), wait);
    void this.#note(wait);
  }

  /** It is given up. */
  end(origin: Origin, call: number): void {
    const wait = this.#take(keyOf(origin, call));
    if (wait?.awaited !== undefined) this.#changed([wait]);
  }

  /** What to claim for slots that were lent and run nothing yet. */
  targets(): Target[] {
    if (this.#waits.size === 0) return [];
    const lanes = this.#executor.lanes.filter((lane) => lane.name !== "alone");
    return lanes.flatMap((lane) => this.#targetsOf(lane));
  }

  #targetsOf(lane: Lane): Target[] {
    const waiters = new Set<JobNumber>();
    const held = new Set<JobNumber>();
    const wanted = new Map<string, { readonly tasks: Set<string>; readonly ids: Set<JobNumber> }>();
    for (const { message, awaited } of this.#waits.values()) {
      if (awaited === undefined) continue;
      if (this.#executor.find(message.id)?.lane === lane) waiters.add(message.id);
      const { id, task, queue } = awaited;
      const attempt = this.#executor.find(id);
      if (attempt !== undefined) {
        if (attempt.lane === lane) held.add(id);
      } else if (this.#executor.openLaneOf(task) === lane) {
        const inQueue = wanted.get(queue) ?? { tasks: new Set(), ids: new Set() };
        inQueue.tasks.add(task);
        inQueue.ids.add(id);
        wanted.set(queue, inQueue);
      }
    }
    const limit = waiters.size - held.size;
    if (limit <= 0) return [];
    return [...wanted].map(([queue, { tasks, ids }]) => ({
      lane,
      slot: { queue, tasks: [...tasks], ids: [...ids], limit, suspects: "without" },
    }));
  }

  async #note(wait: Wait): Promise<void> {
    const { id, token, job } = wait.message;
    try {
      const request = { lease: { id, token }, awaited: parseJobId(job) ?? job };
      this.#noted(wait, await this.#store.awaitJob(request, this.#clock.now() + LEASE_MS));
    } catch (error) {
      this.#answerWait(wait, { kind: "error", error: toErrorRecord(error) });
    }
  }

  #noted(wait: Wait, answer: AwaitAnswer): void {
    const { origin, message } = wait;
    if (answer.kind !== "noted") {
      this.#answerWait(wait, { kind: "error", error: toErrorRecord(refusalOf(answer, message)) });
      return;
    }
    const { record } = answer;
    if (record === null || this.#waits.get(keyOf(origin, message.call)) !== wait) return;
    if (STATE_FACTS[record.state].settled) {
      this.#answerWait(wait, { kind: "settled", record });
      return;
    }
    wait.awaited = record;
    this.#watch.watch([record.id]);
    this.#tellChange();
  }

  #answerWait({ origin, message }: Wait, outcome: WaitOutcome): void {
    if (this.#take(keyOf(origin, message.call)) === undefined) return;
    this.#answer(origin, message.call, outcome);
  }

  #take(key: string): Wait | undefined {
    const wait = this.#waits.get(key);
    this.#waits.delete(key);
    return wait;
  }

  #over(id: JobNumber, outcome: WaitOutcome): void {
    const over = [...this.#waits.values()].filter(({ awaited }) => awaited?.id === id);
    for (const wait of over) this.#answerWait(wait, outcome);
    this.#changed(over);
  }

  #forget({ job: { id, token } }: Attempt): void {
    if (this.#waits.size === 0) return;
    const isOurs = ({ message }: Wait): boolean => message.id === id && message.token === token;
    const over = [...this.#waits.values()].filter(isOurs);
    for (const { origin, message } of over) this.#take(keyOf(origin, message.call));
    if (over.length > 0) this.#tellChange();
  }

  /** Some waits are over whose attempts go on: the store is told what these wait for still. */
  #changed(over: readonly Wait[]): void {
    const leases = new Map(over.map(({ message: { id, token } }) => [id, { id, token }]));
    for (const lease of leases.values()) void this.#renote(lease);
    this.#tellChange();
  }

  async #renote(lease: Lease): Promise<void> {
    const left = [...this.#waits.values()].find(
      ({ message, awaited }) => message.id === lease.id && awaited !== undefined,
    );
    const awaited = left?.awaited?.id ?? null;
    try {
      await this.#store.awaitJob({ lease, awaited }, this.#clock.now() + LEASE_MS);
    } catch (error) {
      // What is noted is then a wait that is over: it could at worst refuse another one.
      this.#onError("waits", error);
    }
  }

  #tellChange(): void {
    const ids = this.awaitedIds;
    const watched = new Set(ids);
    this.#watch.unwatch(this.#watch.watched.filter((id) => !watched.has(id)));
    this.#onChange(ids);
  }
}

function keyOf(origin: Origin, call: number): string {
  return `${origin}/${call}`;
}

function refusalOf(
  answer: Exclude<AwaitAnswer, { kind: "noted" }>,
  { id, job }: AwaitMessage,
): Error {
  switch (answer.kind) {
    case "circle":
      return new UnjamError("UNJAM_DEADLOCK", { cycle: edgesOf(answer.steps) });
    case "lost":
      return new UnjamError("UNJAM_LEASE_LOST", {
        id: formatJobId(id),
        reason: "it was lost before it could wait",
      });
    case "unknown":
      return new UnjamError("UNJAM_JOB_UNKNOWN", { id: job });
  }
}

type Edge = UnjamError<"UNJAM_DEADLOCK">["details"]["cycle"][number];

function edgesOf(steps: readonly WaitStep[]): Edge[] {
  return steps.map(({ id, task }, index) => {
    const next = steps[(index + 1) % steps.length] ?? { id, task };
    return {
      flow: `the handler of task "${task}"`,
      holds: `job ${formatJobId(id)}`,
      holdSite: "until it returns",
      holdSiteKind: "exact",
      waitsFor: `job ${formatJobId(next.id)} of task "${next.task}"`,
      waitSite: "by job.result()",
      waitSiteKind: "exact",
    };
  });
}
