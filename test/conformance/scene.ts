import type { JobState } from "../../src/core/job-state.ts";
import type {
  ClaimedJob,
  JobNumber,
  JobRecord,
  JobShape,
  Lease,
  Outcome,
  OwnerId,
} from "../../src/core/job.ts";
import type {
  AddAnswer,
  AddGroup,
  ClaimSlot,
  ListQuery,
  NewOwner,
  QueueRecord,
  Renewal,
  Store,
  WakeAnswer,
  WakeRequest,
} from "../../src/store/store.ts";
import { Books } from "./books.ts";
import type { ManualClock } from "./manual-clock.ts";

/** An empty store on a clock of its own. Disposing of it closes the store and clears up. */
export interface OpenedStore extends AsyncDisposable {
  readonly store: Store;
  readonly clock: ManualClock;
}

/** The suite disposes of what it opens, so an opener must not share state. */
export type OpenStore = () => Promise<OpenedStore>;

/** How a fact gets its stage; made from an {@link OpenStore} by `describeStore`. */
export type OpenScene = () => Promise<Scene>;

/** Far enough that no call on a manual clock comes near it. */
const PATIENCE_MS = 1_000_000;

/**
 * A store with one worker, and steps in which only what matters has to be said. The books are
 * checked after every step.
 */
export class Scene implements AsyncDisposable {
  readonly store: Store;
  readonly clock: ManualClock;
  readonly owner: OwnerId;
  readonly #opened: OpenedStore;
  readonly #books: Books;
  #nextId: JobNumber;

  private constructor(opened: OpenedStore, owner: OwnerId, firstId: JobNumber) {
    this.#opened = opened;
    this.store = opened.store;
    this.clock = opened.clock;
    this.owner = owner;
    this.#nextId = firstId;
    this.#books = new Books(opened.store);
  }

  static async open(open: OpenStore): Promise<Scene> {
    const opened = await open();
    const deadline = opened.clock.now() + PATIENCE_MS;
    const owner = await opened.store.join(anOwner(), deadline);
    return new Scene(opened, owner, await opened.store.reserveIds(100_000, deadline));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#opened[Symbol.asyncDispose]();
  }

  get deadline(): number {
    return this.clock.now() + PATIENCE_MS;
  }

  /** A number that no job has yet. */
  newId(): JobNumber {
    return this.#nextId++;
  }

  /** Runs one step and checks the books after it. */
  async step<T>(call: Promise<T>): Promise<T> {
    const answer = await call;
    await this.#books.check();
    return answer;
  }

  /** A group of `count` jobs with equal payloads, numbered in order. */
  group({ count = 1, ...overrides }: GroupOverrides = {}): AddGroup {
    const { ids = Array.from({ length: count }, () => this.newId()), shape, ...rest } = overrides;
    const payloads = ids.map(() => "{}");
    const plain = { capacity: null, atomic: false, overflow: "refuse" } as const;
    return { ...plain, payloads, ...rest, ids, shape: aShape(shape) };
  }

  async addGroup(overrides: GroupOverrides): Promise<AddAnswer> {
    const [answer] = await this.step(this.store.add([this.group(overrides)], this.deadline));
    if (answer === undefined) throw new Error("add answered nothing for its group");
    return answer;
  }

  /** Adds one job that must go in, and answers its number. */
  async addJob(shape: Partial<JobShape> = {}, payload = "{}"): Promise<JobNumber> {
    const id = this.newId();
    const answer = await this.addGroup({ shape, ids: [id], payloads: [payload] });
    if (answer !== "added") throw new Error(`job ${id} was not added: ${JSON.stringify(answer)}`);
    return id;
  }

  claim(
    slot: Partial<ClaimSlot> = {},
    owner: OwnerId = this.owner,
  ): Promise<readonly ClaimedJob[]> {
    const slots = [{ queue: "mail", tasks: ["send"], limit: 1, ...slot }];
    return this.step(this.store.claim({ owner, slots }, this.deadline));
  }

  async claimIds(slot: Partial<ClaimSlot> = {}): Promise<readonly JobNumber[]> {
    return (await this.claim({ limit: 1_000, ...slot })).map(({ id }) => id);
  }

  /** Claims the one job that must be there. */
  async claimOne(owner: OwnerId = this.owner): Promise<ClaimedJob> {
    const [job] = await this.claim({}, owner);
    if (job === undefined) throw new Error("there was no job to claim");
    return job;
  }

  /** Adds a job and claims it. */
  async leasedJob(shape: Partial<JobShape> = {}, owner: OwnerId = this.owner): Promise<ClaimedJob> {
    await this.addJob(shape);
    return this.claimOne(owner);
  }

  settle(lease: Lease, outcome: Outcome): Promise<readonly Lease[]> {
    const { id, token } = lease;
    return this.step(this.store.settle([{ id, token, outcome }], this.deadline));
  }

  renew(lease: Lease, changes: Partial<Renewal> = {}): Promise<readonly Lease[]> {
    const { id, token } = lease;
    const leaseUntil = this.clock.now() + 15_000;
    const renewal = { leaseUntil, progress: null, note: null, ...changes, id, token };
    return this.step(this.store.renew([renewal], this.deadline));
  }

  wake(request: Partial<WakeRequest> = {}): Promise<WakeAnswer> {
    return this.step(this.store.wake({ limit: 1_000, deadOwners: [], ...request }, this.deadline));
  }

  prune({ limit = 1_000, doneCountMax = 100_000 }: Partial<PruneLimits> = {}): Promise<number> {
    return this.step(this.store.prune({ limit, doneCountMax }, this.deadline));
  }

  cancel(...ids: JobNumber[]): Promise<readonly JobNumber[]> {
    const request = { ids, keepMs: 3_600_000, error: anError("cancelled") };
    return this.step(this.store.cancel(request, this.deadline));
  }

  revive(...ids: JobNumber[]): Promise<readonly JobNumber[]> {
    return this.step(this.store.revive(ids, this.deadline));
  }

  hasten(ids: readonly JobNumber[], inMs: number): Promise<void> {
    return this.step(this.store.hasten(ids, this.clock.wallNow() + inMs, this.deadline));
  }

  async list(query: Partial<ListQuery> = {}): Promise<readonly JobNumber[]> {
    const jobs = await this.store.list({
      queue: null,
      states: null,
      limit: 1_000,
      after: null,
      ...query,
    });
    return jobs.map(({ id }) => id);
  }

  async job(id: JobNumber): Promise<JobRecord> {
    const [job] = await this.store.get([id]);
    if (job === undefined) throw new Error(`there is no job ${id}`);
    return job;
  }

  async state(id: JobNumber): Promise<JobState | "gone"> {
    const [job] = await this.store.get([id]);
    return job?.state ?? "gone";
  }

  async queue(name = "mail"): Promise<QueueRecord> {
    const found = (await this.store.queues()).find((queue) => queue.name === name);
    if (found === undefined) throw new Error(`there is no queue ${name}`);
    return found;
  }
}

interface PruneLimits {
  readonly limit: number;
  readonly doneCountMax: number;
}

/** Like {@link AddGroup}, with everything left out that does not matter. */
export interface GroupOverrides extends Partial<Omit<AddGroup, "shape">> {
  readonly count?: number;
  readonly shape?: Partial<JobShape>;
}

export function aShape(overrides: Partial<JobShape> = {}): JobShape {
  return {
    queue: "mail",
    task: "send",
    priority: 0,
    runAt: null,
    expireAt: null,
    key: null,
    callerId: null,
    extra: null,
    ...overrides,
  };
}

export function anOwner(overrides: Partial<NewOwner> = {}): NewOwner {
  return {
    pid: 4711,
    processStart: "1",
    machine: "boot",
    label: "worker",
    queues: ["mail"],
    ...overrides,
  };
}

/** JSON of an ErrorRecord. */
export function anError(message = "no luck"): string {
  return JSON.stringify({ name: "Error", message });
}

type OutcomeOf<E extends Outcome["event"]> = Extract<Outcome, { readonly event: E }>;

export const SUCCEED: OutcomeOf<"succeed"> = {
  event: "succeed",
  result: "1",
  error: null,
  keepMs: 3_600_000,
};
export const FAIL_FOR_GOOD: OutcomeOf<"failForGood"> = {
  event: "failForGood",
  error: anError(),
  keepMs: 3_600_000,
};
export const CANCEL: OutcomeOf<"cancel"> = { event: "cancel", error: anError(), keepMs: 3_600_000 };
export const HAND_BACK: OutcomeOf<"handBack"> = { event: "handBack" };
export const LOSE_LEASE: OutcomeOf<"loseLease"> = { event: "loseLease", error: anError("lost") };

export function failForRetry(runAt: number): OutcomeOf<"failForRetry"> {
  return { event: "failForRetry", error: anError(), runAt };
}
