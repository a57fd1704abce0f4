/** What main, the supervisor and the threads of a pool tell each other beside the rings. */
import type { MessagePort, ResourceLimits } from "node:worker_threads";
import type { ErrorRecord } from "../../core/errors.ts";
import type { Whereabouts } from "../../core/whereabouts.ts";
import type { UserFlags } from "../user-flags.ts";

/** Why a running call is told to stop. */
export type StopReason = "timeout" | "aborted" | "closed";

/** What a pool's thread is started with. */
export interface PoolThreadData {
  readonly module: string;
  readonly board: SharedArrayBuffer;
  readonly bell: SharedArrayBuffer;
  /** For what does not fit into the rings. */
  readonly port: MessagePort;
}

/** Supervisor → thread. */
export interface ToPoolThread {
  readonly type: "abort";
  readonly id: number;
  readonly reason: StopReason;
  readonly pool: string;
}

/** Thread → supervisor. */
export type FromPoolThread =
  | { readonly type: "ready"; readonly names: readonly string[] }
  | { readonly type: "failed"; readonly error: ErrorRecord };

/** What the supervisor needs to run a pool's threads. */
export interface CrewPlan {
  readonly name: string;
  readonly module: string;
  readonly bell: SharedArrayBuffer;
  /** One word: 1 while the supervisor watches the pool's calls. */
  readonly watching: SharedArrayBuffer;
  readonly resourceLimits: ResourceLimits;
  readonly flags: UserFlags;
}

/** Main → supervisor. */
export interface ToSupervisor {
  readonly type: "open";
  readonly plan: CrewPlan;
  readonly port: MessagePort;
}

/** Pool → its crew in the supervisor. */
export type ToCrew =
  /** How many threads there are to be. */
  | { readonly type: "want"; readonly threads: number }
  /** This one is not needed any more; nothing runs on it. */
  | { readonly type: "retire"; readonly thread: number }
  | {
      readonly type: "stop";
      readonly thread: number;
      readonly id: number;
      readonly reason: StopReason;
    }
  /** Calls are under way. */
  | { readonly type: "watch" }
  | { readonly type: "close" };

/** Crew → pool. */
export type FromCrew =
  | {
      readonly type: "ready";
      readonly thread: number;
      readonly board: SharedArrayBuffer;
      readonly port: MessagePort;
      readonly names: readonly string[];
    }
  /** Another takes its place; what it has not begun is to be given to others. */
  | { readonly type: "replaced"; readonly thread: number }
  /** A running call is past its deadline. */
  | {
      readonly type: "late";
      readonly thread: number;
      readonly id: number;
      readonly whereabouts: Whereabouts;
    }
  /** It answers nothing any more. */
  | { readonly type: "gone"; readonly thread: number; readonly reason: string }
  /** The module could not be loaded. */
  | { readonly type: "failed"; readonly error: ErrorRecord }
  /** It sits in native code, where it cannot be ended; or it was, and has ended at last. */
  | { readonly type: "leftBehind"; readonly count: number }
  | { readonly type: "broken"; readonly restarts: number; readonly reason: string }
  | { readonly type: "closed" };
