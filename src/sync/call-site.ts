import { SITE_FRAMES_MAX, SITES_BURST_MAX, SITES_PER_MS_MAX } from "../core/limits.ts";
import type { Clock, MonotonicMs } from "../core/clock.ts";
import { type SiteKind, siteInWords, UNKNOWN_PLACE } from "../core/site-words.ts";
import { type Below, captureStack, type Frame, readFrames, type Stack } from "./stack-frames.ts";
import { isDevelopment } from "./sync-ports.ts";

/**
 * How much is noted about who takes what, and where. `"full"`: every call, a few microseconds
 * each. `"sampled"`: of the calls of each lock or queue that pass, and of those that wait, 100 at
 * once and 5 more with each millisecond, which is every call of most programs and takes at most
 * about 5 % of the time of the others. `"off"`: nothing. Errors then name no call site, and deadlocks
 * that cannot be proved without one end at their deadlines: all in which a lock with `"off"` takes
 * part, and those in which who has called `lock()` waits for a queue with `"off"`. Handlers of
 * `consume()` and functions in `run()` that wait for each other by such a queue are refused as ever.
 * Default: `"full"` when `NODE_ENV` is `development`, else `"sampled"`.
 */
export type Diagnostics = "sampled" | "full" | "off";

/** This file, as stack frames spell it; in a bundle it is the bundle. */
const [HERE] = readFrames(captureStack(1));
/**
 * This folder; `undefined` in a bundle, where all files are one. Whoever uses it from outside is a
 * user, also when he belongs to this package.
 */
const OWN = /^(.*\/)call-site\.[jt]s$/.exec(HERE?.script ?? "")?.[1];
/** Tests stand here too, and are users. */
const TEST = /\.test\.[cm]?[jt]s$/;

/** A place in the caller's code. Taken cheaply; the stack is only read when somebody asks. */
export class CallSite {
  /** What it is worth in a report. Not for users. */
  readonly kind: SiteKind;
  readonly #stack: Stack;
  #frames: readonly Frame[] | undefined;

  private constructor(stack: Stack, kind: SiteKind) {
    this.#stack = stack;
    this.kind = kind;
  }

  /**
   * Where the caller of `below` stands now; without `below`, where the first function outside this
   * folder stands, which a bundle cannot tell. Not for users.
   */
  static capture(below?: Below, kind: SiteKind = "exact"): CallSite {
    return new CallSite(captureStack(SITE_FRAMES_MAX, below), kind);
  }

  /** From the caller outwards: first those that run, then those that await them. Not for users. */
  get frames(): readonly Frame[] {
    this.#frames ??= withoutOwn(readFrames(this.#stack));
    return this.#frames;
  }

  /** The function that stands there, in words: `handleOrder()`; `undefined` when it has no name. */
  get who(): string | undefined {
    const name = this.frames[0]?.name ?? null;
    return name === null ? undefined : `${name}()`;
  }

  /** For people: `server.ts:31 in handleOrder`. */
  toString(): string {
    const [frame] = this.frames;
    if (frame === undefined) return UNKNOWN_PLACE;
    const file = frame.script.slice(frame.script.lastIndexOf("/") + 1);
    return `${file}:${frame.line}${frame.name === null ? "" : ` in ${frame.name}`}`;
  }

  /** For people who cannot see its kind elsewhere: `server.ts:31 in handleOrder, sampled`. */
  get words(): string {
    return siteInWords(this.toString(), this.kind);
  }

  /** The same as `toString`, so that errors with call sites in their details can be logged as JSON. */
  toJSON(): string {
    return this.toString();
  }
}

/** A place for a report that has to name one. */
export function placeOf(site: CallSite | undefined): { site: string; siteKind: SiteKind | null } {
  if (site === undefined) return { site: UNKNOWN_PLACE, siteKind: null };
  return { site: site.toString(), siteKind: site.kind };
}

/** The leading frames that are ours say nothing. */
function withoutOwn(frames: readonly Frame[]): readonly Frame[] {
  if (OWN === undefined) return frames;
  const first = frames.findIndex(({ script }) => !script.startsWith(OWN) || TEST.test(script));
  return first === -1 ? [] : frames.slice(first);
}

/** So many captures at once, and so many more with each millisecond. */
class Budget {
  readonly #clock: Clock;
  #leftCount = SITES_BURST_MAX;
  #countedAt: MonotonicMs | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  take(): boolean {
    const now = this.#clock.now();
    const addedCount = (now - (this.#countedAt ?? now)) * SITES_PER_MS_MAX;
    this.#leftCount = Math.min(SITES_BURST_MAX, this.#leftCount + addedCount);
    this.#countedAt = now;
    if (this.#leftCount < 1) return false;
    this.#leftCount--;
    return true;
  }
}

/** Decides which calls have their site taken, so that diagnostics never cost much. */
export class SiteSampler {
  readonly #diagnostics: Diagnostics;
  readonly #passing: Budget;
  readonly #waiting: Budget;

  constructor(diagnostics: Diagnostics | undefined, clock: Clock) {
    this.#diagnostics = diagnostics ?? (isDevelopment() ? "full" : "sampled");
    this.#passing = new Budget(clock);
    this.#waiting = new Budget(clock);
  }

  get isOff(): boolean {
    return this.#diagnostics === "off";
  }

  /** A place that it gave, or did not, for a report. */
  told(site: CallSite | undefined): { site: string | null; siteKind: SiteKind } {
    return { site: site?.toString() ?? null, siteKind: site?.kind ?? this.#kind };
  }

  /** The place of a call that does not wait, which may be one of very many. */
  sample(below?: Below): CallSite | undefined {
    return this.#isWanted(this.#passing) ? CallSite.capture(below, this.#kind) : undefined;
  }

  /** The place of a call that is about to wait: counted apart, so that fast ones do not hide it. */
  capture(below?: Below): CallSite | undefined {
    return this.#isWanted(this.#waiting) ? CallSite.capture(below, this.#kind) : undefined;
  }

  /** Where a consumer or a loop is started, which stands for all that it takes. */
  captureLoop(): CallSite | undefined {
    return this.#isWanted(this.#waiting) ? CallSite.capture(undefined, "per loop") : undefined;
  }

  /** What the place of a single call is worth. */
  get #kind(): SiteKind {
    return this.#diagnostics === "full" ? "exact" : this.#diagnostics;
  }

  #isWanted(budget: Budget): boolean {
    if (this.#diagnostics === "sampled") return budget.take();
    return this.#diagnostics === "full";
  }
}
