/**
 * Jobs in this process's memory: gone with it, shared with nobody, and the fastest store there is.
 *
 * Every call is one synchronous step that checks first and changes after, so that calls cannot
 * interleave and a call that rejects has changed nothing. That is also why deadlines are not
 * looked at: nothing here ever waits.
 */
import type { Clock, EpochMs } from "../../core/clock.ts";
import { UnjamError } from "../../core/errors.ts";
import { invariant } from "../../core/invariant.ts";
import { JOB_STATES, nextState } from "../../core/job-state.ts";
import {
  type ClaimedJob,
  isSuspect,
  type JobNumber,
  type JobRecord,
  type Lease,
  type OwnerId,
  type Settlement,
} from "../../core/job.ts";
import { LEASE_MS, QUEUE_COUNT_MAX } from "../../core/limits.ts";
import type {
  AddAnswer,
  AddGroup,
  AwaitAnswer,
  AwaitRequest,
  ClaimRequest,
  ClaimSlot,
  ListQuery,
  NewOwner,
  Owner,
  QueueRecord,
  ReadySlot,
  Renewal,
  Store,
  StoreCapabilities,
  StorePorts,
  WakeAnswer,
  WakeRequest,
  Withdrawal,
} from "../store.ts";
import { addGroup, checkGroup } from "./add-jobs.ts";
import { awaitJob } from "./await-job.ts";
import { JobTable } from "./job-table.ts";
import { claimedJobOf, type MemoryJob, rankOf, recordOf } from "./memory-job.ts";
import { takeMerged } from "./merge.ts";
import { OwnerTable } from "./owner-table.ts";
import { endOf, settleJobs } from "./settle-jobs.ts";
import { wakeJobs } from "./wake-jobs.ts";

export class MemoryStore implements Store {
  readonly capabilities: StoreCapabilities = {
    durability: "memory",
    sharedBetweenProcesses: false,
    place: "memory",
  };
  readonly #clock: Clock;
  #jobs = new JobTable();
  #owners: OwnerTable;
  #nextId: JobNumber = 1;
  #isClosed = false;

  constructor(ports: StorePorts) {
    this.#clock = ports.clock;
    this.#owners = new OwnerTable(ports.clock);
  }

  reserveIds(count: number): Promise<JobNumber> {
    return this.#answer("reserveIds", () => {
      invariant(Number.isSafeInteger(count) && count > 0, "a block of ids has at least one");
      const first = this.#nextId;
      this.#nextId += count;
      return first;
    });
  }

  join(owner: NewOwner): Promise<OwnerId> {
    return this.#answer("join", () => this.#owners.join(owner));
  }

  beat(owner: OwnerId): Promise<void> {
    return this.#answer("beat", () => this.#owners.beat(owner));
  }

  leave(owner: OwnerId, reason: string): Promise<void> {
    return this.#answer("leave", () => this.#owners.leave(owner, reason));
  }

  withdraw(owner: OwnerId, from: Withdrawal): Promise<void> {
    return this.#answer("withdraw", () => this.#owners.withdraw(owner, from));
  }

  owners(limit: number): Promise<readonly Owner[]> {
    return this.#answer("owners", () => this.#owners.list(limit));
  }

  add(groups: readonly AddGroup[]): Promise<readonly AddAnswer[]> {
    return this.#answer("add", () => {
      for (const group of groups) checkGroup(group);
      const scene = { jobs: this.#jobs, owners: this.#owners, wallNow: this.#clock.wallNow() };
      return groups.map((group) => addGroup(scene, group));
    });
  }

  claim(request: ClaimRequest): Promise<readonly ClaimedJob[]> {
    return this.#answer("claim", () => {
      this.#owners.beat(request.owner);
      return request.slots.flatMap((slot) => this.#claimSlot(request.owner, slot));
    });
  }

  countClaimable(slots: readonly ReadySlot[]): Promise<number> {
    return this.#answer("countClaimable", () =>
      slots.reduce((count, slot) => {
        const queue = this.#jobs.queue(slot.queue);
        if (queue === undefined || queue.paused) return count;
        return count + takeMerged(queue.readySources(slot), slot.limit, isClaimedBefore).length;
      }, 0),
    );
  }

  #claimSlot(owner: OwnerId, slot: ClaimSlot): ClaimedJob[] {
    const queue = this.#jobs.queue(slot.queue);
    if (queue === undefined || queue.paused) return [];
    const sources =
      slot.ids === undefined ? queue.readySources(slot) : [this.#readyAmong(slot, slot.ids)];
    const ready = takeMerged(sources, slot.limit, isClaimedBefore);
    const lease = { owner, until: this.#clock.now() + LEASE_MS };
    const claimedAt = this.#clock.wallNow();
    return ready.map((job) => {
      const token = job.token + 1;
      this.#jobs.move(job, "claim", { lease, token, claimedAt, progress: null, note: null });
      return claimedJobOf(job);
    });
  }

  /** Those that are ready among jobs that are wanted by name. */
  #readyAmong(
    { queue, tasks, suspects }: ClaimSlot,
    ids: readonly JobNumber[],
  ): Iterator<MemoryJob> {
    const found = [...new Set(ids)].flatMap((id) => {
      const job = this.#jobs.get(id);
      const isIt =
        job?.state === "ready" && job.queue.name === queue && tasks.includes(job.shape.task);
      if (!isIt || (suspects !== undefined && isSuspect(job) !== (suspects === "only"))) return [];
      return [job];
    });
    return found.toSorted((a, b) => (isClaimedBefore(a, b) ? -1 : 1)).values();
  }

  renew(renewals: readonly Renewal[]): Promise<readonly Lease[]> {
    return this.#answer("renew", () => {
      const lost: Lease[] = [];
      for (const renewal of renewals) {
        const job = this.#jobs.held(renewal);
        if (job === undefined) lost.push({ id: renewal.id, token: renewal.token });
        else this.#jobs.renew(job, renewal);
      }
      return lost;
    });
  }

  awaitJob(request: AwaitRequest): Promise<AwaitAnswer> {
    return this.#answer("awaitJob", () => awaitJob(this.#jobs, request));
  }

  settle(settlements: readonly Settlement[]): Promise<readonly Lease[]> {
    return this.#answer("settle", () => settleJobs(this.#jobs, settlements, this.#clock.wallNow()));
  }

  wake(request: WakeRequest): Promise<WakeAnswer> {
    return this.#answer("wake", () => {
      const now = this.#clock.now();
      const wallNow = this.#clock.wallNow();
      return wakeJobs({ jobs: this.#jobs, owners: this.#owners, now, wallNow }, request);
    });
  }

  hasten(ids: readonly JobNumber[], runAt: EpochMs): Promise<void> {
    return this.#answer("hasten", () => {
      for (const id of ids) {
        const job = this.#jobs.get(id);
        if (job?.state === "scheduled" && runAt < (job.runAt ?? 0))
          this.#jobs.reschedule(job, runAt);
      }
    });
  }

  prune(limits: { readonly limit: number; readonly doneCountMax: number }): Promise<number> {
    return this.#answer("prune", () => {
      let left = limits.limit;
      const isOver = ({ pruneAt }: MemoryJob): boolean => (pruneAt ?? 0) <= this.#clock.wallNow();
      const { settled } = this.#jobs;
      for (
        let job = settled.first();
        job !== undefined && left > 0 && isOver(job);
        job = settled.first()
      ) {
        this.#jobs.remove(job);
        left--;
      }
      for (const { done } of this.#jobs.queues()) {
        for (let job = done.first(); job !== undefined && left > 0; job = done.first()) {
          if (!isOver(job) && done.size <= limits.doneCountMax) break;
          this.#jobs.remove(job);
          left--;
        }
      }
      return limits.limit - left;
    });
  }

  cancel(request: {
    readonly ids: readonly JobNumber[];
    readonly keepMs: number;
    readonly error: string;
  }): Promise<readonly JobNumber[]> {
    return this.#answer("cancel", () => {
      const end = endOf(this.#clock.wallNow(), request.keepMs);
      return request.ids.filter((id) => {
        const job = this.#jobs.get(id);
        if (job === undefined || nextState(job.state, "cancel") === undefined) return false;
        this.#jobs.move(job, "cancel", { error: request.error, end });
        return true;
      });
    });
  }

  revive(ids: readonly JobNumber[]): Promise<readonly JobNumber[]> {
    return this.#answer("revive", () => ids.filter((id) => this.#reviveJob(this.#jobs.get(id))));
  }

  #reviveJob(job: MemoryJob | undefined): boolean {
    if (job === undefined || nextState(job.state, "revive") === undefined) return false;
    // Another unfinished job has taken its key meanwhile; two would break the key's promise.
    if (!this.#jobs.isKeyFree(job.shape)) return false;
    const nothing = { result: null, error: null, progress: null, note: null } as const;
    // Its old expiry would end the new life at once.
    this.#jobs.move(job, "revive", {
      attempt: 0,
      losses: 0,
      runAt: null,
      expireAt: null,
      ...nothing,
    });
    return true;
  }

  get(ids: readonly (JobNumber | string)[]): Promise<readonly JobRecord[]> {
    return this.#answer("get", () =>
      ids.flatMap((id) => {
        const job = typeof id === "number" ? this.#jobs.get(id) : this.#jobs.byCallerId(id);
        return job === undefined ? [] : [recordOf(job)];
      }),
    );
  }

  list({ queue: name, states, limit, after }: ListQuery): Promise<readonly JobRecord[]> {
    return this.#answer("list", () => {
      const queues = name === null ? [...this.#jobs.queues()] : [this.#jobs.queue(name)];
      const wanted = [...new Set(states ?? JOB_STATES)];
      const sources = queues
        .filter((queue) => queue !== undefined)
        .flatMap(({ jobs }) =>
          wanted.filter((state) => jobs[state].size > 0).map((state) => jobs[state]),
        )
        .map((jobs) => jobs.valuesAfter(after ?? 0));
      return takeMerged(sources, limit, (a, b) => a.id < b.id).map(recordOf);
    });
  }

  queues(): Promise<readonly QueueRecord[]> {
    return this.#answer("queues", () => [...this.#jobs.queues()].map((queue) => queue.record()));
  }

  setPaused(queue: string, paused: boolean): Promise<void> {
    return this.#answer("setPaused", () => {
      const opened = this.#jobs.openQueue(queue);
      if (opened === undefined)
        throw new UnjamError("UNJAM_TOO_MANY_QUEUES", { countMax: QUEUE_COUNT_MAX });
      opened.paused = paused;
    });
  }

  changedByOthers(): boolean {
    return false;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#jobs = new JobTable();
    this.#owners = new OwnerTable(this.#clock);
  }

  async #answer<T>(what: string, work: () => T): Promise<T> {
    if (this.#isClosed) throw new UnjamError("UNJAM_CLOSED", { what });
    return work();
  }
}

function isClaimedBefore(a: MemoryJob, b: MemoryJob): boolean {
  const difference = rankOf(a) - rankOf(b);
  return difference < 0 || (difference === 0 && a.order < b.order);
}
