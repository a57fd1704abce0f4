/**
 * Who blocked the main loop, by what it answered when it was asked. A question that comes while
 * the loop is in native code (a system call, one huge JSON.parse) is answered the moment that code
 * comes back to JavaScript, in the context of the handler that called it; so it is left open, and
 * how long the answer took is evidence too.
 */
import type { LateBeat } from "./loop-beat.ts";
import type { LoopLook, LoopMoment } from "./loop-moment.ts";

/** An answer, and when it was asked for. */
export interface AskedLook extends LoopLook {
  readonly askedAt: number;
}

/** The part of a block through which a handler was seen to hold the loop before it is named for it. */
export const SEEN_MS_MIN = 8;

export type BlockVerdict =
  | { readonly kind: "handler"; readonly moment: LoopMoment }
  /** Other code of the process, or several handlers after each other. */
  | { readonly kind: "nobody" }
  /** The loop did not answer in time, or not for long enough: `seen` is all that was there. */
  | { readonly kind: "unknown"; readonly seen: LoopMoment | null };

export function blockVerdict(looks: readonly AskedLook[], { from, to }: LateBeat): BlockVerdict {
  // What was answered after the block says who came next.
  const within = looks.filter(({ at }) => at > from && at < to);
  const last = within.at(-1);
  const first = within[0];
  if (last === undefined || first === undefined) return { kind: "unknown", seen: null };
  const { moment } = last;
  if (moment === null || within.some((look) => look.moment?.id !== moment.id)) {
    return { kind: "nobody" };
  }
  // A collector's pause or a starved core stops the loop too, and whoever is there then is innocent.
  if (last.at - first.askedAt < SEEN_MS_MIN) return { kind: "unknown", seen: moment };
  return { kind: "handler", moment };
}
