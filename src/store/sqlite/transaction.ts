import type { Clock, EpochMs, MonotonicMs } from "../../core/clock.ts";
import { QUEUE_COUNT_MAX } from "../../core/limits.ts";
import type { JobState } from "../../core/job-state.ts";
import type { Connection } from "./connection.ts";
import { Handover } from "./handover.ts";

/**
 * The columns of `queues` that count; one UPDATE per queue and transaction writes them. `place` counts
 * the jobs that ever came, so that the order of arrival costs neither a statement nor a page.
 */
const COUNTED = [
  "scheduled",
  "ready",
  "leased",
  "done",
  "dead",
  "cancelled",
  "expired",
  "dropped",
  "retrying",
  "done_total",
  "failed_total",
  "place",
] as const;
export type Counted = (typeof COUNTED)[number];

const COLUMN: Readonly<Record<Counted, number>> = {
  scheduled: 0,
  ready: 1,
  leased: 2,
  done: 3,
  dead: 4,
  cancelled: 5,
  expired: 6,
  dropped: 7,
  retrying: 8,
  done_total: 9,
  failed_total: 10,
  place: 11,
};

const QUEUE = "SELECT capacity, paused, scheduled, ready, place FROM queues WHERE id = ?";
const UPDATE_COUNTS = `UPDATE queues SET ${COUNTED.map((name) => `${name} = ${name} + ?`).join(", ")} WHERE id = ?`;

/** Names that rows refer to by number. Rows are never deleted, so a known number stays right. */
export interface KnownNames {
  readonly queues: Map<string, number>;
  readonly tasks: Map<string, number>;
}

/** A queue's row as it was when the transaction began; its settings as they are now. */
interface QueueRow {
  capacity: number | null;
  isPaused: boolean;
  readonly scheduled: number;
  readonly ready: number;
  readonly place: number;
}

/**
 * One write transaction, as the operations in it see it. A queue's row is read once, and its
 * counters, the order of arrival and new names are gathered here and written once at the end,
 * because per job they would cost as much as the job itself.
 */
export class Transaction {
  readonly connection: Connection;
  readonly now: MonotonicMs;
  readonly wallNow: EpochMs;
  readonly handover: Handover = new Handover();
  readonly #known: KnownNames;
  readonly #rows = new Map<number, QueueRow>();
  readonly #deltas = new Map<number, number[]>();
  readonly #newNames: (() => void)[] = [];

  constructor(connection: Connection, known: KnownNames, clock: Clock) {
    this.connection = connection;
    this.#known = known;
    this.now = clock.now();
    this.wallNow = clock.wallNow();
  }

  /** `undefined` for a queue that nothing was ever enqueued to. */
  existingQueueId(name: string): number | undefined {
    return this.#known.queues.get(name) ?? this.#lookUp("queues", name);
  }

  /** Made when it is new; `undefined` when it would be one queue too many. */
  newQueueId(name: string): number | undefined {
    const known = this.existingQueueId(name);
    if (known !== undefined) return known;
    const queueCount = this.connection.number("SELECT count(*) FROM queues");
    return queueCount >= QUEUE_COUNT_MAX ? undefined : this.#intern("queues", name);
  }

  taskId(name: string): number {
    return this.#known.tasks.get(name) ?? this.#intern("tasks", name);
  }

  existingTaskId(name: string): number | undefined {
    return this.#known.tasks.get(name) ?? this.#lookUp("tasks", name);
  }

  #lookUp(table: "queues" | "tasks", name: string): number | undefined {
    const id = this.connection.prepare(`SELECT id FROM ${table} WHERE name = ?`).get(name)?.["id"];
    if (typeof id !== "number") return undefined;
    this.#known[table].set(name, id);
    this.#newNames.push(() => this.#known[table].delete(name));
    return id;
  }

  #intern(table: "queues" | "tasks", name: string): number {
    const known = this.#lookUp(table, name);
    if (known !== undefined) return known;
    this.connection.prepare(`INSERT INTO ${table}(name) VALUES (?)`).run(name);
    return this.#lookUp(table, name) ?? 0;
  }

  /** `null` where nobody has set one. */
  capacity(queue: number): number | null {
    return this.#row(queue).capacity;
  }

  setCapacity(queue: number, capacity: number): void {
    this.connection.prepare("UPDATE queues SET capacity = ? WHERE id = ?").run(capacity, queue);
    this.#row(queue).capacity = capacity;
  }

  /** Whether nobody may take from the queue now. */
  isPaused(queue: number): boolean {
    return this.#row(queue).isPaused;
  }

  setPaused(queue: number, isPaused: boolean): void {
    this.connection
      .prepare("UPDATE queues SET paused = ? WHERE id = ?")
      .run(isPaused ? 1 : 0, queue);
    this.#row(queue).isPaused = isPaused;
  }

  /** The next place in the order of arrival in this queue, over all processes. */
  nextPlace(queue: number): number {
    const deltas = this.#deltasOf(queue);
    const given = deltas[COLUMN.place] ?? 0;
    deltas[COLUMN.place] = given + 1;
    return this.#row(queue).place + given;
  }

  /** Notes that `by` more rows of the queue are (or ever were) in this state. */
  count(queue: number, what: Counted, by: number): void {
    const deltas = this.#deltasOf(queue);
    const column = COLUMN[what];
    deltas[column] = (deltas[column] ?? 0) + by;
  }

  /** Notes a job's move from one state to another. */
  move(queue: number, from: JobState, to: JobState): void {
    this.count(queue, from, -1);
    this.count(queue, to, 1);
  }

  /** Jobs that count against the capacity, this transaction's own included. */
  waitingCount(queue: number): number {
    const deltas = this.#deltas.get(queue);
    const { scheduled } = this.#row(queue);
    return scheduled + (deltas?.[COLUMN.scheduled] ?? 0) + this.readyCount(queue);
  }

  /** Ready jobs of all tasks of the queue, this transaction's own included. */
  readyCount(queue: number): number {
    return this.#row(queue).ready + (this.#deltas.get(queue)?.[COLUMN.ready] ?? 0);
  }

  #row(queue: number): QueueRow {
    let row = this.#rows.get(queue);
    if (row === undefined) {
      const stored = this.connection.prepare(QUEUE).get(queue);
      const capacity = stored?.["capacity"];
      row = {
        capacity: typeof capacity === "number" ? capacity : null,
        isPaused: stored?.["paused"] === 1,
        scheduled: Number(stored?.["scheduled"]),
        ready: Number(stored?.["ready"]),
        place: Number(stored?.["place"]),
      };
      this.#rows.set(queue, row);
    }
    return row;
  }

  #deltasOf(queue: number): number[] {
    let deltas = this.#deltas.get(queue);
    if (deltas === undefined) {
      deltas = Array.from({ length: COUNTED.length }, () => 0);
      this.#deltas.set(queue, deltas);
    }
    return deltas;
  }

  /**
   * Does one caller's part of the work, all or nothing: when `work` answers false, what it did is
   * undone and the rest of the group goes on.
   */
  part(work: () => boolean): boolean {
    const { db } = this.connection;
    const deltas = [...this.#deltas].map(([queue, counts]) => ({ queue, counts: [...counts] }));
    db.exec("SAVEPOINT part");
    const isKept = work();
    if (!isKept) {
      db.exec("ROLLBACK TO part");
      // A capacity that the part had set is gone again, and so may be the queue itself.
      this.#rows.clear();
      this.#deltas.clear();
      for (const { queue, counts } of deltas) this.#deltas.set(queue, counts);
      this.rolledBack();
    }
    db.exec("RELEASE part");
    return isKept;
  }

  /** Writes what was gathered. Call it right before COMMIT. */
  flush(): void {
    for (const [queue, deltas] of this.#deltas) {
      if (deltas.some((delta) => delta !== 0)) {
        this.connection.prepare(UPDATE_COUNTS).run(...deltas, queue);
      }
    }
  }

  /** Forgets names whose rows went with the rollback. */
  rolledBack(): void {
    for (const forget of this.#newNames) forget();
  }
}
