import { SITE_FRAMES_MAX, SITES_PER_MS_MAX } from "../core/limits.ts";
import type { Clock, MonotonicMs } from "../core/clock.ts";
import { type Below, captureStack, type Frame, readFrames, type Stack } from "./stack-frames.ts";
import { isDevelopment } from "./sync-ports.ts";

/**
 * How much is noted about who takes what, and where. `"full"`: every call, a few microseconds
 * each. `"sampled"`: every call as long as that takes about 5 % of the time (20 calls a
 * millisecond), and beyond that as many as fit. `"off"`: nothing, so that no deadlock is found
 * and errors name no call site; deadlines hold as ever. Default: `"full"` when `NODE_ENV` is
 * `development`, else `"sampled"`.
 */
export type Diagnostics = "sampled" | "full" | "off";

/** This file, as stack frames spell it; in a bundle it is the bundle. */
const [HERE] = readFrames(captureStack(1));
/** The folder of this package's own sources; `undefined` in a bundle, where all files are one. */
const OWN = /^(.*\/)sync\/call-site\.[jt]s$/.exec(HERE?.script ?? "")?.[1];
const TEST = /\.test\.[cm]?[jt]s$/;

/** A place in the caller's code. Taken cheaply; the stack is only read when somebody asks. */
export class CallSite {
  readonly #stack: Stack;
  #frames: readonly Frame[] | undefined;

  private constructor(stack: Stack) {
    this.#stack = stack;
  }

  /**
   * Where the caller of `below` stands now; without `below`, where the first function outside this
   * package's files stands, which a bundle cannot tell.
   */
  static capture(below?: Below): CallSite {
    return new CallSite(captureStack(SITE_FRAMES_MAX, below));
  }

  /** From the caller outwards: first those that run, then those that await them. */
  get frames(): readonly Frame[] {
    this.#frames ??= withoutOwn(readFrames(this.#stack));
    return this.#frames;
  }

  /** Whether the frames may have been cut, so that the outermost is not known. */
  get isCut(): boolean {
    return this.frames.filter(({ isAsync }) => !isAsync).length + OWN_FRAMES_MAX >= SITE_FRAMES_MAX;
  }

  /** For people: `server.ts:31 in handleOrder`. */
  toString(): string {
    const [frame] = this.frames;
    if (frame === undefined) return "an unknown place";
    const file = frame.script.slice(frame.script.lastIndexOf("/") + 1);
    return `${file}:${frame.line}${frame.name === null ? "" : ` in ${frame.name}`}`;
  }

  /** The same, so that errors with call sites in their details can be logged as JSON. */
  toJSON(): string {
    return this.toString();
  }
}

/** Frames of this package between a caller and the capture, at most. */
const OWN_FRAMES_MAX = 8;

/** The leading frames that are ours say nothing. */
function withoutOwn(frames: readonly Frame[]): readonly Frame[] {
  if (OWN === undefined) return frames;
  const first = frames.findIndex(({ script }) => !script.startsWith(OWN) || TEST.test(script));
  return first === -1 ? [] : frames.slice(first);
}

/** Decides which calls have their site taken, so that diagnostics never cost much. */
export class SiteSampler {
  readonly #clock: Clock;
  #windowAt: MonotonicMs = -Infinity;
  #takenCount = 0;
  readonly #diagnostics: Diagnostics;

  constructor(diagnostics: Diagnostics | undefined, clock: Clock) {
    this.#diagnostics = diagnostics ?? (isDevelopment() ? "full" : "sampled");
    this.#clock = clock;
  }

  get isOff(): boolean {
    return this.#diagnostics === "off";
  }

  /** The place of a call that is about to wait, which is slow anyway; only "off" leaves it out. */
  capture(below?: Below): CallSite | undefined {
    return this.#diagnostics === "off" ? undefined : CallSite.capture(below);
  }

  /** The place of a call that may be one of very many. */
  sample(below?: Below): CallSite | undefined {
    if (this.#diagnostics !== "sampled") return this.capture(below);
    const now = this.#clock.now();
    if (now - this.#windowAt >= 1) {
      this.#windowAt = now;
      this.#takenCount = 0;
    }
    if (this.#takenCount >= SITES_PER_MS_MAX) return undefined;
    this.#takenCount++;
    return CallSite.capture(below);
  }
}
