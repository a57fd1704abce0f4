import type { Logger } from "../core/job-context.ts";
import { invalid } from "../core/options.ts";
import { thrownText } from "./thrown-text.ts";
import { Warnings } from "./warnings.ts";

/** Everything a queue tells those who listen: a closed list. Nothing is sent per item. */
export interface QueueEvents {
  /**
   * It refused somebody, dropped something or let a caller wait. At most once a second. The log is
   * told when somebody was refused or dropped, or has waited for 10 s.
   */
  readonly full: {
    readonly queue: string;
    readonly capacity: number;
    /** How often since the last notice. */
    readonly count: number;
    /** Items that its overflow policies dropped since it was made. */
    readonly droppedCount: number;
  };
  /** Its last consumer died; puts are refused until there is a new one. */
  readonly broken: { readonly queue: string; readonly reason: string };
  /** A consumer died. */
  readonly died: { readonly queue: string; readonly consumer: string; readonly reason: string };
  /** A lease was garbage-collected before it was settled; its item counts as failed. */
  readonly forgotten: {
    readonly queue: string;
    /** The value in a few words. */
    readonly value: string;
    /** Says where the lease was taken, when that was noted. */
    readonly error: unknown;
  };
}

/** What `on()` of a queue takes: a name of {@link QueueEvents}. */
export type QueueEventName = keyof QueueEvents;

const NAMES: readonly QueueEventName[] = ["full", "broken", "died", "forgotten"];

type Listener = (data: never) => void;

/** Gives events to those who listen, and writes them to the log. Nobody's throw stops the queue. */
export class QueueReport {
  readonly #warnings: Warnings;
  readonly #listeners = new Map<QueueEventName, Set<Listener>>();

  constructor(logger: Logger | undefined) {
    this.#warnings = new Warnings(logger);
  }

  /** @throws UNJAM_INVALID_OPTION for a name that is not in the list, or a listener that is no function */
  on<N extends QueueEventName>(name: N, listener: (data: QueueEvents[N]) => void): () => void {
    const where = "queue.on()";
    if (!NAMES.includes(name)) throw invalid("event", where, NAMES.join(", "), name);
    if (typeof listener !== "function") throw invalid("listener", where, "a function", listener);
    const listeners = this.#listeners.get(name) ?? new Set();
    listeners.add(listener);
    this.#listeners.set(name, listeners);
    return () => void listeners.delete(listener);
  }

  /** Tells those who listen, and the log. */
  emit<N extends QueueEventName>(name: N, data: QueueEvents[N], message: string): void {
    this.warn(data, message);
    this.tell(name, data);
  }

  /** Tells those who listen. */
  tell<N extends QueueEventName>(name: N, data: QueueEvents[N]): void {
    for (const listener of [...(this.#listeners.get(name) ?? [])]) {
      try {
        // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- registered under this name by on(), which types it.
        (listener as (data: unknown) => void)(data);
      } catch (error) {
        this.warn({ event: name, error: thrownText(error) }, "a listener of queue.on() threw");
      }
    }
  }

  warn(fields: object, message: string): void {
    this.#warnings.warn(fields, message);
  }
}
