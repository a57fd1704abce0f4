/**
 * Group commit. Whatever is submitted while a commit runs, or in the same turn, shares the next
 * transaction: one fsync for all of it. The group is bounded by GROUP_JOBS_MAX, so that the main
 * loop can work on the first answers while the disk takes the rest.
 *
 * When it fails:
 * - The file is locked: nothing was tried; the group stays and is tried again by timer, each
 *   operation until its own deadline (UNJAM_STORE_LOCKED).
 * - An operation throws: the transaction is rolled back, every operation of the group rejects,
 *   and nothing of it happened.
 * - The disk fails (EIO, failed fsync): the outcome of a COMMIT is open. The connection is closed,
 *   opened anew and its log moved into the database, and then the owner's commit counter tells
 *   whether the group is in. As long as the file cannot be opened its operations wait, each until
 *   its deadline, and are then unknown: a claim that was given up at once would leave its jobs
 *   leased with nobody to run them. Without an owner row nothing will ever tell.
 */
import type { Clock, MonotonicMs, Timers } from "../../core/clock.ts";
import { UnjamError } from "../../core/errors.ts";
import type { OwnerId } from "../../core/job.ts";
import { GROUP_JOBS_MAX, LOCK_RETRY_MS } from "../../core/limits.ts";
import { type Connection, refuseNewer } from "./connection.ts";
import { isBusy, needsReopen, storeError } from "./sqlite-error.ts";
import { type KnownNames, Transaction } from "./transaction.ts";

interface Operation {
  /** Rows it will touch, about. */
  readonly weight: number;
  readonly submittedAt: MonotonicMs;
  readonly deadline: MonotonicMs;
  readonly what: string;
  /** Called before any operation of its group runs; the operation itself then runs after all others. */
  readonly announce: ((tx: Transaction) => void) | undefined;
  readonly run: (tx: Transaction) => unknown;
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** What the group must know of an operation. */
export interface OperationBounds {
  readonly weight: number;
  readonly deadline: MonotonicMs;
  readonly announce?: (tx: Transaction) => void;
}

export interface CommitGroupPorts {
  readonly file: string;
  readonly clock: Clock;
  readonly timers: Timers;
  /** Opens the file anew; throws as `openConnection` does. */
  readonly reopen: () => Connection;
}

/** Where the group stands. `failed` means that the connection is closed and must be opened anew. */
type Phase = "idle" | "due" | "locked" | "failed" | "closed";

interface FailedGroup {
  readonly group: Operation[];
  readonly answers: readonly unknown[];
  readonly isCommitting: boolean;
}

/** A group whose COMMIT failed, until the file is open again and tells whether it is in. */
interface Doubt {
  readonly error: unknown;
  /** The owner's commit counter before the group. */
  readonly commitsBefore: number;
  open: { readonly operation: Operation; readonly answer: unknown }[];
}

const START =
  "SELECT max(value) AS needed, total_changes() AS changes FROM unjam_meta WHERE name IN ('min_reader', 'min_writer')";
const BUMP = "UPDATE owners SET commits = commits + 1, beat_at = ? WHERE id = ?";

export class CommitGroup {
  readonly #ports: CommitGroupPorts;
  readonly #known: KnownNames = { queues: new Map(), tasks: new Map() };
  #connection: Connection;
  #pending: Operation[] = [];
  #phase: Phase = "idle";
  #owner: OwnerId | null = null;
  #commits = 0;
  #doubt: Doubt | undefined;

  constructor(connection: Connection, ports: CommitGroupPorts) {
    this.#connection = connection;
    this.#ports = ports;
  }

  /** For reads, which need no group. Throws UNJAM_STORE_IO while the file cannot be opened. */
  get connection(): Connection {
    if (this.#phase === "failed") this.#reopen();
    return this.#connection;
  }

  /** The owner whose row proves this connection's commits. */
  ownedBy(owner: OwnerId): void {
    this.#owner = owner;
    this.#commits = this.#connection.number("SELECT commits FROM owners WHERE id = ?", owner);
  }

  submit<T>(
    what: string,
    { weight, deadline, announce }: OperationBounds,
    run: (tx: Transaction) => T,
  ): Promise<T> {
    if (this.#phase === "closed") return Promise.reject(new UnjamError("UNJAM_CLOSED", { what }));
    const submittedAt = this.#ports.clock.now();
    return new Promise<T>((resolve, reject) => {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- `resolve` only ever gets what this very `run` returned.
      const settle = resolve as (answer: unknown) => void;
      this.#pending.push({
        ...{ what, weight, submittedAt, deadline, announce, run },
        ...{ resolve: settle, reject },
      });
      if (this.#phase === "idle") this.#schedule();
    });
  }

  close(): void {
    if (this.#phase === "closed") return;
    if (this.#pending.length > 0 && this.#phase !== "failed") this.#commit();
    this.#phase = "closed";
    for (const { what, reject } of this.#pending.splice(0)) {
      reject(new UnjamError("UNJAM_CLOSED", { what }));
    }
    this.#giveUpDoubt(() => true);
    this.#connection.close();
  }

  #schedule(): void {
    this.#phase = "due";
    this.#ports.timers.soon(() => this.#turn());
  }

  #retryLater(phase: "locked" | "failed"): void {
    this.#phase = phase;
    this.#ports.timers.after(LOCK_RETRY_MS, () => this.#turn(), { keepsAlive: true });
  }

  #turn(): void {
    if (this.#phase === "closed") return;
    this.#expire();
    if (this.#phase === "failed" && !this.#tryReopen()) return;
    if (this.#pending.length > 0) this.#commit();
    if (this.#phase === "locked" || this.#phase === "failed") return;
    if (this.#pending.length > 0) this.#schedule();
    else this.#phase = "idle";
  }

  /** Rejects what waited past its deadline behind a lock, a broken disk or a slow one. */
  #expire(): void {
    const now = this.#ports.clock.now();
    this.#giveUpDoubt(({ deadline }) => deadline <= now);
    if (!this.#pending.some(({ deadline }) => deadline <= now)) return;
    this.#pending = this.#pending.filter((operation) => {
      if (operation.deadline > now) return true;
      operation.reject(this.#tooLate(Math.round(now - operation.submittedAt)));
      return false;
    });
  }

  /** Why an operation was never tried: what it waited behind. */
  #tooLate(waitedMs: number): Error {
    const { file } = this.#ports;
    if (this.#phase === "locked") return new UnjamError("UNJAM_STORE_LOCKED", { file, waitedMs });
    const reason = `it was not ready for ${waitedMs} ms; nothing of this call was written`;
    return new UnjamError("UNJAM_STORE_IO", { file, reason });
  }

  #commit(): void {
    const group = this.#nextGroup();
    try {
      this.#connection.prepare("BEGIN IMMEDIATE").run();
    } catch (error) {
      this.#pending = [...group, ...this.#pending];
      if (isBusy(error)) this.#retryLater("locked");
      else this.#fail(error, this.#pending.splice(0));
      return;
    }
    const tx = new Transaction(this.#connection, this.#known, this.#ports.clock);
    let isCommitting = false;
    let hasWritten = false;
    let answers: unknown[] = [];
    try {
      // A newer build may have opened the file since: it says in every transaction who may write.
      const changesBefore = this.#changesBefore();
      for (const { announce } of group) announce?.(tx);
      answers = group.map(({ run }) => run(tx));
      tx.flush();
      // A group that only looked writes nothing, so that an idle queue costs no fsync.
      hasWritten = this.#connection.number("SELECT total_changes()") !== changesBefore;
      if (hasWritten) this.#bump(tx.now);
      isCommitting = true;
      this.#connection.prepare("COMMIT").run();
    } catch (error) {
      tx.rolledBack();
      this.#undo(error, { group, answers, isCommitting });
      return;
    }
    this.#phase = "due";
    if (hasWritten) this.#commits++;
    for (const [index, { resolve }] of group.entries()) resolve(answers[index]);
  }

  /** @throws UNJAM_SCHEMA_NEWER */
  #changesBefore(): number {
    const row = this.#connection.prepare(START).get();
    refuseNewer(Number(row?.["needed"]), this.#ports.file);
    return Number(row?.["changes"]);
  }

  #bump(now: MonotonicMs): void {
    if (this.#owner !== null) this.#connection.prepare(BUMP).run(Math.round(now), this.#owner);
  }

  #nextGroup(): Operation[] {
    let weight = 0;
    const end = this.#pending.findIndex(
      (operation) => (weight += operation.weight) > GROUP_JOBS_MAX,
    );
    // At least one: an operation heavier than a group is a group of its own.
    const group = this.#pending.splice(0, end === -1 ? this.#pending.length : Math.max(1, end));
    const isLast = ({ announce }: Operation): boolean => announce !== undefined;
    return [...group.filter((operation) => !isLast(operation)), ...group.filter(isLast)];
  }

  #undo(error: unknown, failed: FailedGroup): void {
    try {
      if (this.#connection.db.isTransaction) this.#connection.db.exec("ROLLBACK");
    } catch {
      // The connection is beyond a rollback; reopening below settles what is in the file.
    }
    if (isBusy(error)) {
      this.#pending = [...failed.group, ...this.#pending];
      this.#retryLater("locked");
    } else if (failed.isCommitting && needsReopen(error)) {
      this.#settleInDoubt(error, failed);
    } else {
      this.#fail(error, failed.group);
    }
  }

  #fail(error: unknown, group: readonly Operation[]): void {
    const mapped = storeError(error, this.#ports.file);
    for (const { reject } of group) reject(mapped);
    this.#phase = "due";
    if (!needsReopen(error)) return;
    this.#abandonConnection();
    this.#retryLater("failed");
  }

  /** COMMIT failed: opens the file anew, which tells whether it holds this group. */
  #settleInDoubt(error: unknown, { group, answers }: FailedGroup): void {
    this.#abandonConnection();
    const open = group.map((operation, index) => ({ operation, answer: answers[index] }));
    this.#doubt = { error, commitsBefore: this.#commits, open };
    if (this.#owner === null) this.#giveUpDoubt(() => true);
    try {
      this.#reopen();
    } catch {
      this.#retryLater("failed");
    }
  }

  /** The file is open again, and the checkpoint of the reopening has made durable what is in it. */
  #resolveDoubt(): void {
    const doubt = this.#doubt;
    if (doubt === undefined) return;
    const rise = this.#commits - doubt.commitsBefore;
    // Any other number means that the owner's row is gone, and with it what it could tell.
    if (rise !== 0 && rise !== 1) this.#giveUpDoubt(() => true);
    this.#doubt = undefined;
    const mapped = storeError(doubt.error, this.#ports.file);
    for (const { operation, answer } of doubt.open) {
      if (rise === 1) operation.resolve(answer);
      else operation.reject(mapped);
    }
  }

  /** Rejects operations in doubt as unknown. */
  #giveUpDoubt(isOver: (operation: Operation) => boolean): void {
    const doubt = this.#doubt;
    if (doubt === undefined) return;
    const now = this.#ports.clock.now();
    for (const { operation } of doubt.open) {
      if (!isOver(operation)) continue;
      const { what, submittedAt, reject } = operation;
      const details = { what, ids: [], waitedMs: Math.round(now - submittedAt) };
      reject(new UnjamError("UNJAM_OUTCOME_UNKNOWN", details, { cause: doubt.error }));
    }
    doubt.open = doubt.open.filter(({ operation }) => !isOver(operation));
  }

  #abandonConnection(): void {
    try {
      this.#connection.close();
    } catch {
      // Closing reports the same disk error again; the descriptor is gone either way.
    }
  }

  #tryReopen(): boolean {
    try {
      this.#reopen();
      this.#phase = "due";
      return true;
    } catch (error) {
      const mapped = storeError(error, this.#ports.file);
      // A lock clears up by itself and so may a disk; corruption does not: say it to everyone.
      if (!isBusy(error) && !needsReopen(error)) {
        for (const { reject } of this.#pending.splice(0)) reject(mapped);
      }
      this.#retryLater("failed");
      return false;
    }
  }

  #reopen(): void {
    const connection = this.#ports.reopen();
    try {
      // The log may have holes where a failed fsync lost pages; move it into the database and
      // start a new one, so that later commits do not stand behind a hole.
      const isBlocked = connection.number("PRAGMA wal_checkpoint(TRUNCATE)") !== 0;
      if (isBlocked) {
        throw new UnjamError("UNJAM_STORE_LOCKED", { file: this.#ports.file, waitedMs: 0 });
      }
      this.#connection = connection;
      if (this.#owner !== null) this.ownedBy(this.#owner);
      this.#phase = "due";
      this.#resolveDoubt();
    } catch (error) {
      connection.close();
      throw error;
    }
  }
}
