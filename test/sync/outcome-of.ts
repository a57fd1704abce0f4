import { isUnjamError } from "../../src/core/errors.ts";

/** What a promise comes to: "done", the code of an error of ours, or another error as text. */
export async function outcomeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return "done";
  } catch (error) {
    return isUnjamError(error) ? error.code : String(error);
  }
}
