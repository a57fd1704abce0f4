import type { MonotonicMs } from "../core/clock.ts";
import type { AppEvent } from "../core/events.ts";
import type { LoopBlock } from "./loop-watch.ts";
import type { FromEngine, ToEngine } from "./messages.ts";

/** A running engine, as the client holds it, wherever it runs. */
export interface RuntimeHandle {
  send(message: ToEngine): void;
  /** The main loop has begun to beat: handlers run on it. */
  beating(): void;
  /** Ends everything by `until`, by force if need be. The engine must have drained before. */
  end(until: MonotonicMs): Promise<void>;
}

/** What the client wants to hear of it. */
export interface RuntimeListener {
  message(message: FromEngine): void;
  /** A new engine took the place of one that died: it knows nothing of what is under way. */
  restarted(): void;
  /** No engine any more: every wait must end with this error. */
  lost(error: Error): void;
  event(event: AppEvent): void;
  /** The main loop was blocked while handlers ran on it. */
  blocked(block: LoopBlock): void;
}
