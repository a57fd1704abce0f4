import { isError } from "./is-error.ts";
import { DELAY_MS_MAX } from "./limits.ts";
import { invalid } from "./options.ts";

const VERDICT: unique symbol = Symbol.for("unjam.verdict");

/** What a handler says about its own failure. */
export interface Verdict {
  readonly retryInMs: number | null;
  readonly isFinal: boolean;
}

/**
 * Thrown by a handler: try again after `delayMs` milliseconds (0 to one year) instead of the
 * task's backoff. It counts as an attempt; after the last one the job is dead all the same.
 *
 * @example
 * import { retryIn, task } from "unjam";
 * export const poll = task("poll", { attempts: 100 }, async () => {
 *   const response = { status: 429 };
 *   if (response.status === 429) throw retryIn(30_000);
 * });
 */
export function retryIn(delayMs: number): Error {
  if (!(delayMs >= 0 && delayMs <= DELAY_MS_MAX)) {
    throw invalid(
      "delayMs",
      "retryIn()",
      `a number of milliseconds from 0 to ${DELAY_MS_MAX}`,
      delayMs,
    );
  }
  return withVerdict(new Error(`asked to be tried again in ${delayMs} ms`), {
    retryInMs: delayMs,
    isFinal: false,
  });
}

/**
 * Thrown by a handler: more tries are useless, put the job into the dead letters now.
 *
 * @example
 * import { giveUp, task } from "unjam";
 * export const charge = task("charge", {}, async (input: { card: string }) => {
 *   if (input.card === "expired") throw giveUp("the card has expired");
 * });
 */
export function giveUp(reason: string): Error {
  return withVerdict(new Error(reason), { retryInMs: null, isFinal: true });
}

function withVerdict(error: Error, verdict: Verdict): Error {
  // Hidden from loggers: the message says it all.
  return Object.defineProperty(error, VERDICT, { value: verdict });
}

/** The verdict carried by a thrown value, if any. */
export function verdictOf(thrown: unknown): Verdict | undefined {
  if (!isError(thrown) || !(VERDICT in thrown)) return undefined;
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only withVerdict sets the symbol.
  return thrown[VERDICT] as Verdict;
}
