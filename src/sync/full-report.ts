import { FullLog } from "../core/full-log.ts";
import { FullNotice } from "../core/full-notice.ts";
import type { QueueCore } from "./queue-core.ts";
import type { QueueReport } from "./queue-report.ts";
import type { SyncPorts } from "./sync-ports.ts";

/** What is asked of the queue. */
type Fillable = Pick<QueueCore<never>, "name" | "capacity" | "waitingSince" | "waiterCount">;

/** What a full queue tells. Its event tells of every kind of fullness; the log only of some. */
export class FullReport {
  readonly #core: Fillable;
  readonly #event: FullNotice;
  readonly #log: FullLog;
  #droppedCount = 0;

  constructor(options: {
    readonly core: Fillable;
    readonly ports: SyncPorts;
    readonly report: QueueReport;
  }) {
    const { core, ports, report } = options;
    const { clock, timers } = ports;
    const droppedCount = (): number => this.#droppedCount;
    this.#core = core;
    this.#event = new FullNotice(clock, (fullness) => {
      report.tell("full", { ...fullness, droppedCount: droppedCount() });
    });
    const queue = {
      name: core.name,
      capacity: core.capacity,
      get waitingSince(): number | undefined {
        return core.waitingSince;
      },
      get waiterCount(): number {
        return core.waiterCount;
      },
      get droppedCount(): number {
        return droppedCount();
      },
    };
    const warn = (fields: object, message: string): void => report.warn(fields, message);
    this.#log = new FullLog({ queue, clock, timers, things: "items", warn });
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
    this.#log.turnedAway();
  }

  /** A policy takes an item out, or does not let one in. Runs nothing: see {@link turnedAway}. */
  dropped(): void {
    this.#droppedCount++;
  }

  /** Somebody has begun to wait for room. */
  waiting(): void {
    this.#log.waiting();
  }

  /** Somebody waits no more. */
  left(): void {
    this.#log.left();
  }
}
