import type { Clock, EpochMs, MonotonicMs } from "../../core/clock.ts";
import { QUEUE_COUNT_MAX } from "../../core/limits.ts";
import type { JobState } from "../../core/job-state.ts";
import type { Connection } from "./connection.ts";
import { Handover } from "./handover.ts";

/** The columns of `queues` that count jobs; one UPDATE per queue and transaction writes them. */
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
};

const UPDATE_COUNTS = `UPDATE queues SET ${COUNTED.map((name) => `${name} = ${name} + ?`).join(", ")} WHERE id = ?`;

/** Names that rows refer to by number. Rows are never deleted, so a known number stays right. */
export interface KnownNames {
  readonly queues: Map<string, number>;
  readonly tasks: Map<string, number>;
}

/**
 * One write transaction, as the operations in it see it. Counters, arrival order and new names
 * are gathered here and written once at the end, because per job they would cost as much as the
 * job itself.
 */
export class Transaction {
  readonly connection: Connection;
  readonly now: MonotonicMs;
  readonly wallNow: EpochMs;
  readonly handover: Handover = new Handover();
  readonly #known: KnownNames;
  readonly #deltas = new Map<number, number[]>();
  readonly #newNames: (() => void)[] = [];
  #place = 0;
  #placeAtStart = 0;

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

  /** The next place in the order of arrival over all queues and processes. */
  nextPlace(): number {
    if (this.#place === 0) {
      this.#place = this.connection.number("SELECT value FROM unjam_meta WHERE name = 'place'");
      this.#placeAtStart = this.#place;
    }
    return this.#place++;
  }

  /** Notes that `by` more rows of the queue are (or ever were) in this state. */
  count(queue: number, what: Counted, by: number): void {
    let deltas = this.#deltas.get(queue);
    if (deltas === undefined) {
      deltas = Array.from({ length: COUNTED.length }, () => 0);
      this.#deltas.set(queue, deltas);
    }
    const column = COLUMN[what];
    deltas[column] = (deltas[column] ?? 0) + by;
  }

  /** Notes a job's move from one state to another. */
  move(queue: number, from: JobState, to: JobState): void {
    this.count(queue, from, -1);
    this.count(queue, to, 1);
  }

  /** Jobs that count against the capacity, this transaction's own included. */
  waiting(queue: number): number {
    const stored = this.connection.number(
      "SELECT scheduled + ready FROM queues WHERE id = ?",
      queue,
    );
    const deltas = this.#deltas.get(queue);
    return stored + (deltas?.[COLUMN.scheduled] ?? 0) + (deltas?.[COLUMN.ready] ?? 0);
  }

  /**
   * Does one caller's part of the work, all or nothing: when `work` answers false, what it did is
   * undone and the rest of the group goes on.
   */
  part(work: () => boolean): boolean {
    const { db } = this.connection;
    const place = this.#place;
    const deltas = [...this.#deltas].map(([queue, counts]) => ({ queue, counts: [...counts] }));
    db.exec("SAVEPOINT part");
    const isKept = work();
    if (!isKept) {
      db.exec("ROLLBACK TO part");
      // 0 means "not read yet"; once read, it must not be written back as a place.
      this.#place = place === 0 ? this.#placeAtStart : place;
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
    if (this.#place !== this.#placeAtStart) {
      this.connection
        .prepare("UPDATE unjam_meta SET value = ? WHERE name = 'place'")
        .run(this.#place);
    }
  }

  /** Forgets names whose rows went with the rollback. */
  rolledBack(): void {
    for (const forget of this.#newNames) forget();
  }
}
