import {
  APP_EVENT_NAMES,
  type AppEvent,
  type AppEventName,
  type AppEvents,
} from "../core/events.ts";
import type { Logger, LogLevel, LogLine } from "../core/job-context.ts";
import { invalid } from "../core/options.ts";

type Listener = (data: never) => void;

/** Gives events to those who listen, and writes the ones that somebody should act on to the log. */
export class EventHub {
  readonly #logger: Logger;
  readonly #listeners = new Map<AppEventName, Set<Listener>>();
  /** Tasks that were named for blocking the loop: once each. */
  readonly #named = new Set<string>();

  constructor(logger: Logger) {
    this.#logger = guarded(logger);
  }

  /** @throws UNJAM_INVALID_OPTION for a name that is not in the list */
  on<N extends AppEventName>(name: N, listener: (data: AppEvents[N]) => void): () => void {
    if (!APP_EVENT_NAMES.includes(name)) {
      throw invalid("event", "app.on()", APP_EVENT_NAMES.join(", "), name);
    }
    const listeners = this.#listeners.get(name) ?? new Set();
    listeners.add(listener);
    this.#listeners.set(name, listeners);
    return () => listeners.delete(listener);
  }

  /** A listener that throws stops neither the others nor the runtime. */
  emit(event: AppEvent): void {
    const { name, data } = event;
    this.#log(event);
    for (const listener of [...(this.#listeners.get(name) ?? [])]) {
      try {
        // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- registered under this name by on(), which types it.
        (listener as (data: unknown) => void)(data);
      } catch (error) {
        this.#logger.error({ event: name, error: String(error) }, "a listener of app.on() threw");
      }
    }
  }

  /** A line that a handler wrote by `ctx.log`. */
  log({ level, message, fields }: LogLine): void {
    if (level === "debug") this.#logger.debug?.(fields, message);
    else this.#logger[level](fields, message);
  }

  #log(event: AppEvent): void {
    switch (event.name) {
      case "full":
        // That callers wait is what a capacity is for; the engine writes a line about what is more.
        return;
      case "blocked": {
        this.#logBlock(event.data);
        return;
      }
      case "timeout": {
        const { task, jobId, timeoutMs } = event.data;
        this.#logger.warn(
          { jobId, timeoutMs },
          `an attempt of task "${task}" was not over at its deadline`,
        );
        return;
      }
      case "replaced":
        this.#logger.warn(event.data, `a ${event.data.part} was replaced: ${event.data.reason}`);
        return;
      case "broken":
        this.#logger.error(
          event.data,
          `${event.data.part}: restart budget used up; ${event.data.reason}`,
        );
        return;
      case "store":
        this.#logger.warn({}, event.data.message);
        return;
    }
  }

  #logBlock({ task, jobId, blockedMs, stack, candidates }: AppEvents["blocked"]): void {
    // Named as a candidate is not named: it may still turn out to be the one.
    const suspects = candidates.map((candidate) => `one of ${candidate.task}`);
    const keys = candidates.length === 0 ? [String(task)] : suspects;
    const isNews = keys.some((key) => !this.#named.has(key));
    for (const key of keys) this.#named.add(key);
    if (!isNews) return;
    const ms = Math.round(blockedMs);
    if (candidates.length === 0) {
      const message = `task "${task}" blocked the main loop for ${ms} ms; give it runs: "thread"`;
      this.#logger.warn(stack === null ? { jobId } : { jobId, stack }, message);
    } else {
      const names = [...new Set(candidates.map((candidate) => candidate.task))].join(", ");
      const message = `the main loop was blocked for ${ms} ms by a handler that was under way (${names}) or by other code of this process`;
      this.#logger.warn({ candidates }, message);
    }
  }
}

/** The caller's logger may throw, as when its disk is full. What it was to report goes on. */
function guarded(logger: Logger): Logger {
  const write =
    (level: LogLevel) =>
    (fields: object, message: string): void => {
      try {
        logger[level]?.(fields, message);
      } catch {
        // Nobody is left to tell.
      }
    };
  return {
    debug: write("debug"),
    info: write("info"),
    warn: write("warn"),
    error: write("error"),
  };
}
