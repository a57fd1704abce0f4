import { FullNotice } from "../core/full-notice.ts";
import { FULL_WAIT_MS_MAX } from "../core/limits.ts";
import type { Timer } from "../core/clock.ts";
import type { QueueCore } from "./queue-core.ts";
import type { QueueReport } from "./queue-report.ts";
import type { SyncPorts } from "./sync-ports.ts";

/** What is asked of the queue. */
type Fillable = Pick<QueueCore<never>, "name" | "capacity" | "waitingSince" | "waiterCount">;

/**
 * What a full queue tells. Its event tells of every kind of fullness; the log only of what
 * somebody should look into. That producers are held up for a moment is what a capacity is for.
 */
export class FullReport {
  readonly #core: Fillable;
  readonly #ports: SyncPorts;
  readonly #report: QueueReport;
  readonly #event: FullNotice;
  readonly #line: FullNotice;
  #droppedCount = 0;
  /** Set while callers wait for room. */
  #timer: Timer | undefined;

  constructor(options: {
    readonly core: Fillable;
    readonly ports: SyncPorts;
    readonly report: QueueReport;
  }) {
    const { core, ports, report } = options;
    this.#core = core;
    this.#ports = ports;
    this.#report = report;
    this.#event = new FullNotice(ports.clock, (fullness) => {
      report.tell("full", { ...fullness, droppedCount: this.#droppedCount });
    });
    this.#line = new FullNotice(ports.clock, (fullness) => {
      const fields = { ...fullness, droppedCount: this.#droppedCount };
      report.warn(fields, "a queue is full; callers are refused or items dropped");
    });
  }

  /** Items that overflow policies dropped. */
  get droppedCount(): number {
    return this.#droppedCount;
  }

  /** Somebody found it full. Runs listeners. */
  met(): void {
    this.#event.note(this.#core.name, this.#core.capacity);
  }

  /** Somebody was refused, at once or at his deadline, or an item was dropped. Runs the logger. */
  turnedAway(): void {
    this.#line.note(this.#core.name, this.#core.capacity);
  }

  /** A policy takes an item out, or does not let one in. Runs nothing: see {@link turnedAway}. */
  dropped(): void {
    this.#droppedCount++;
  }

  /** Somebody has begun to wait for room. */
  waiting(): void {
    if (this.#timer === undefined) this.#look(FULL_WAIT_MS_MAX);
  }

  /** Somebody waits no more. */
  left(): void {
    if (this.#timer === undefined || this.#core.waiterCount > 0) return;
    this.#timer.cancel();
    this.#timer = undefined;
  }

  #look(delayMs: number): void {
    // A line in the log is no reason to hold the process.
    const how = { keepsAlive: false, repeats: true };
    this.#timer = this.#ports.timers.after(delayMs, () => this.#onTimer(), how);
  }

  #onTimer(): void {
    this.#timer = undefined;
    const { name: queue, capacity, waitingSince, waiterCount } = this.#core;
    // Making a timer runs hooks of the user's, which may have ended the wait that it was made for.
    if (waitingSince === undefined) return;
    const waitedMs = Math.round(this.#ports.clock.now() - waitingSince);
    const isLong = waitedMs >= FULL_WAIT_MS_MAX;
    this.#look(isLong ? FULL_WAIT_MS_MAX : FULL_WAIT_MS_MAX - waitedMs);
    if (!isLong) return;
    const fields = { queue, capacity, waitedMs, waiterCount, droppedCount: this.#droppedCount };
    this.#report.warn(fields, "a queue stays full; callers wait for room");
  }
}
