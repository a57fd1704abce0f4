import { isUnjamError } from "../../src/index.ts";

/** The error that a call rejects with; an error of its own when it resolves. */
export async function errorOf(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    (value) => new Error(`it resolved with ${JSON.stringify(value)}`),
    (error: unknown) => error,
  );
}

/** What a call comes to: its answer, the code of our error, or another error as it is. */
export async function outcomeOf(call: Promise<unknown>): Promise<unknown> {
  return call.catch((error: unknown) => (isUnjamError(error) ? error.code : error));
}
