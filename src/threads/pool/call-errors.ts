/** The errors that callers of a pool get, made from what is known of their call. */
import type { MonotonicMs } from "../../core/clock.ts";
import { UnjamError } from "../../core/errors.ts";
import { isError } from "../../core/is-error.ts";
import { hereError, type Whereabouts } from "../../core/whereabouts.ts";
import type { Call } from "./call.ts";

/** A value of the call's could not be cloned. `error` says why. */
export function notCloneable(
  { target }: Call,
  { pool, what, error }: { pool: string; what: "input" | "result"; error: unknown },
): UnjamError<"UNJAM_CALL_NOT_CLONEABLE"> {
  const reason = isError(error) ? error.message : String(error);
  const details = { pool, call: target.name, what, reason };
  return new UnjamError("UNJAM_CALL_NOT_CLONEABLE", details, { cause: error });
}

export function callLost({ target }: Call, pool: string, reason: string): Error {
  return new UnjamError("UNJAM_CALL_LOST", { pool, call: target.name, reason });
}

/** @param known what the module does export. */
export function callUnknown({ target }: Call, pool: string, known: readonly string[]): Error {
  return new UnjamError("UNJAM_CALL_UNKNOWN", { pool, call: target.name, known });
}

/**
 * @param stuck where it was; `null` when it never began, or nobody knows.
 * @param cause what it threw when it was told to stop. By default an error whose stack is where the
 *   call was, so that it is printed with the rest.
 */
export function callTimeout(
  call: Call,
  { pool, stuck, now, cause }: TimeoutFacts,
): UnjamError<"UNJAM_CALL_TIMEOUT"> {
  const { timeoutMs, target, lane } = call;
  const ranMs = stuck === null && !call.isLate ? null : (lane?.ranMs(now) ?? timeoutMs);
  const details = { pool, call: target.name, timeoutMs, ranMs, stuck };
  return new UnjamError("UNJAM_CALL_TIMEOUT", details, {
    cause: cause ?? hereError(`${target.name}()`, stuck),
  });
}

interface TimeoutFacts {
  readonly pool: string;
  readonly stuck: Whereabouts | null;
  readonly now: MonotonicMs;
  readonly cause: unknown;
}
