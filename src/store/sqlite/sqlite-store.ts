import type { Clock, EpochMs, MonotonicMs } from "../../core/clock.ts";
import type {
  ClaimedJob,
  JobNumber,
  JobRecord,
  Lease,
  OwnerId,
  Settlement,
} from "../../core/job.ts";
import { UnjamError } from "../../core/errors.ts";
import { QUEUE_COUNT_MAX } from "../../core/limits.ts";
import { NumberMap } from "../../core/number-map.ts";
import type {
  AddAnswer,
  AddGroup,
  AwaitAnswer,
  AwaitRequest,
  ClaimRequest,
  ListQuery,
  NewOwner,
  Owner,
  QueueRecord,
  ReadySlot,
  Renewal,
  Store,
  StoreCapabilities,
  WakeAnswer,
  WakeRequest,
  Withdrawal,
} from "../store.ts";
import { addGroup } from "./add-jobs.ts";
import { awaitJob } from "./await-job.ts";
import { claimJobs, countClaimable, type LeasedQueues, renewLeases } from "./claim-jobs.ts";
import { cancelJobs, isPrunable, pruneJobs, reviveJobs } from "./command-jobs.ts";
import type { CommitGroup, OperationBounds } from "./commit-group.ts";
import { type Connection, refuseUnreadable } from "./connection.ts";
import type { Offer } from "./handover.ts";
import { getJobs, listJobs, listOwners, listQueues } from "./read-jobs.ts";
import { beatOwner, joinOwner, leaveOwner, withdrawOwner } from "./owners.ts";
import { settleJobs } from "./settle-jobs.ts";
import { storeError } from "./sqlite-error.ts";
import type { Transaction } from "./transaction.ts";
import { hastenJobs, nothingDue, wakeJobs } from "./wake-jobs.ts";

/**
 * Durable jobs in one file. Writes go through the {@link CommitGroup}; reads are answered at once
 * from the same connection, between two transactions. Made by `openSqliteStore`.
 */
export class SqliteStore implements Store {
  readonly capabilities: StoreCapabilities;
  readonly #file: string;
  readonly #group: CommitGroup;
  readonly #clock: Clock;
  readonly #leased: LeasedQueues = new NumberMap();
  #dataVersion = 0;
  #isClosed = false;

  constructor(file: string, group: CommitGroup, clock: Clock) {
    this.#file = file;
    this.#group = group;
    this.#clock = clock;
    this.capabilities = { durability: "power", sharedBetweenProcesses: true, place: file };
    this.#dataVersion = this.#readDataVersion();
  }

  reserveIds(count: number, deadline: MonotonicMs): Promise<JobNumber> {
    return this.#write("reserveIds", { weight: 1, deadline }, ({ connection }) => {
      const first = connection.number("SELECT value FROM unjam_meta WHERE name = 'next_id'");
      connection
        .prepare("UPDATE unjam_meta SET value = value + ? WHERE name = 'next_id'")
        .run(count);
      return first;
    });
  }

  async join(owner: NewOwner, deadline: MonotonicMs): Promise<OwnerId> {
    const id = await this.#write("join", { weight: 1, deadline }, (tx) => joinOwner(tx, owner));
    this.#group.ownedBy(id);
    return id;
  }

  beat(owner: OwnerId, deadline: MonotonicMs): Promise<void> {
    return this.#write("beat", { weight: 1, deadline }, (tx) => beatOwner(tx, owner));
  }

  leave(owner: OwnerId, reason: string, deadline: MonotonicMs): Promise<void> {
    return this.#write("leave", { weight: 1, deadline }, (tx) => leaveOwner(tx, owner, reason));
  }

  withdraw(owner: OwnerId, from: Withdrawal, deadline: MonotonicMs): Promise<void> {
    return this.#write("withdraw", { weight: 1, deadline }, (tx) => withdrawOwner(tx, owner, from));
  }

  owners(limit: number): Promise<readonly Owner[]> {
    return this.#read("owners", () => listOwners(this.#group.connection, limit));
  }

  add(groups: readonly AddGroup[], deadline: MonotonicMs): Promise<readonly AddAnswer[]> {
    const weight = groups.reduce((sum, { ids }) => sum + ids.length, 0);
    return this.#write("add", { weight, deadline }, (tx) =>
      groups.map((group) => addGroup(tx, group)),
    );
  }

  claim(request: ClaimRequest, deadline: MonotonicMs): Promise<readonly ClaimedJob[]> {
    // Weight 1: the rows it touches were just added by the same group, or bounded by its limits.
    let offers: readonly Offer[] = [];
    const announce = ({ handover }: Transaction): void => {
      offers = handover.announce(request);
    };
    return this.#write("claim", { weight: 1, deadline, announce }, (tx) =>
      claimJobs(tx, offers, this.#leased),
    );
  }

  renew(renewals: readonly Renewal[], deadline: MonotonicMs): Promise<readonly Lease[]> {
    const weight = renewals.length;
    return this.#write("renew", { weight, deadline }, (tx) => renewLeases(tx, renewals));
  }

  awaitJob(request: AwaitRequest, deadline: MonotonicMs): Promise<AwaitAnswer> {
    return this.#write("awaitJob", { weight: 1, deadline }, (tx) => awaitJob(tx, request));
  }

  settle(settlements: readonly Settlement[], deadline: MonotonicMs): Promise<readonly Lease[]> {
    // Half the weight of an add: it makes no row.
    const weight = Math.ceil(settlements.length / 2);
    return this.#write("settle", { weight, deadline }, (tx) =>
      settleJobs(tx, settlements, this.#leased),
    );
  }

  /** A look first: most rounds find nothing, and then cost no transaction. */
  wake(request: WakeRequest, deadline: MonotonicMs): Promise<WakeAnswer> {
    const at = { now: this.#clock.now(), wallNow: this.#clock.wallNow() };
    const idle =
      request.deadOwners.length > 0
        ? undefined
        : this.#glance((connection) => nothingDue(connection, at));
    if (idle !== undefined) return Promise.resolve(idle);
    return this.#write("wake", { weight: 1, deadline }, (tx) =>
      wakeJobs(tx, request, this.#leased),
    );
  }

  hasten(ids: readonly JobNumber[], runAt: EpochMs, deadline: MonotonicMs): Promise<void> {
    return this.#write("hasten", { weight: ids.length, deadline }, (tx) =>
      hastenJobs(tx, ids, runAt),
    );
  }

  prune(
    limits: { readonly limit: number; readonly doneCountMax: number },
    deadline: MonotonicMs,
  ): Promise<number> {
    const wallNow = this.#clock.wallNow();
    const isSome = this.#glance((connection) =>
      isPrunable(connection, limits.doneCountMax, wallNow),
    );
    if (isSome === false) return Promise.resolve(0);
    return this.#write("prune", { weight: 1, deadline }, (tx) => pruneJobs(tx, limits));
  }

  cancel(
    request: {
      readonly ids: readonly JobNumber[];
      readonly keepMs: number;
      readonly error: string;
    },
    deadline: MonotonicMs,
  ): Promise<readonly JobNumber[]> {
    const weight = request.ids.length;
    return this.#write("cancel", { weight, deadline }, (tx) =>
      cancelJobs(tx, request, this.#leased),
    );
  }

  revive(ids: readonly JobNumber[], deadline: MonotonicMs): Promise<readonly JobNumber[]> {
    return this.#write("revive", { weight: ids.length, deadline }, (tx) => reviveJobs(tx, ids));
  }

  get(ids: readonly (JobNumber | string)[]): Promise<readonly JobRecord[]> {
    return this.#read("get", () => getJobs(this.#group.connection, ids));
  }

  list(query: ListQuery): Promise<readonly JobRecord[]> {
    return this.#read("list", () => listJobs(this.#group.connection, query));
  }

  countClaimable(slots: readonly ReadySlot[]): Promise<number> {
    return this.#read("countClaimable", () => countClaimable(this.#group.connection, slots));
  }

  queues(): Promise<readonly QueueRecord[]> {
    return this.#read("queues", () => listQueues(this.#group.connection));
  }

  setPaused(queue: string, paused: boolean, deadline: MonotonicMs): Promise<void> {
    return this.#write("setPaused", { weight: 1, deadline }, (tx) => {
      const id = tx.newQueueId(queue);
      if (id === undefined)
        throw new UnjamError("UNJAM_TOO_MANY_QUEUES", { countMax: QUEUE_COUNT_MAX });
      tx.setPaused(id, paused);
    });
  }

  changedByOthers(): boolean {
    const version = this.#readDataVersion();
    const hasChanged = version !== this.#dataVersion;
    this.#dataVersion = version;
    return hasChanged;
  }

  /** A counter that SQLite raises when another connection has committed. -1 while the file is away. */
  #readDataVersion(): number {
    try {
      return this.#group.connection.number("PRAGMA data_version");
    } catch {
      return -1;
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#group.close();
  }

  #write<T>(what: string, bounds: OperationBounds, run: (tx: Transaction) => T): Promise<T> {
    return this.#group.submit(what, bounds, run);
  }

  /** A read before a write; `undefined` when it fails, for the write then says why. */
  #glance<T>(read: (connection: Connection) => T): T | undefined {
    if (this.#isClosed) return undefined;
    try {
      return read(this.#group.connection);
    } catch {
      return undefined;
    }
  }

  async #read<T>(what: string, read: () => T): Promise<T> {
    if (this.#isClosed) throw new UnjamError("UNJAM_CLOSED", { what });
    try {
      refuseUnreadable(this.#group.connection, this.#file);
      return read();
    } catch (error) {
      throw storeError(error, this.#file);
    }
  }
}
