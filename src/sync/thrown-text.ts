import { isError } from "../core/is-error.ts";

/** Anything thrown as a text. It is the user's: turning it into one may throw too. */
export function thrownText(thrown: unknown): string {
  try {
    return String(thrown);
  } catch {
    return "a value that cannot be written as a text";
  }
}

/** The same without the name of the error's class. */
export function thrownMessage(thrown: unknown): string {
  try {
    return isError(thrown) ? String(thrown.message) : thrownText(thrown);
  } catch {
    return thrownText(thrown);
  }
}
