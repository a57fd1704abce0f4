import { expectThat } from "./interleaved-command.ts";
import type { ModelWait } from "./queue-model.ts";
import type { Watched } from "./queue-stage.ts";

export interface OpenWait {
  readonly wait: ModelWait;
  readonly watched: Watched<unknown>;
  /** `undefined` when it was begun without a signal. */
  readonly stop: AbortController | undefined;
}

export const FAILURE = new Error("every fifth item fails");
export const ABORTED = "aborted";

/** Its promise has been told by now what the model says. */
export function checkWait({ wait, watched }: OpenWait, now: number): void {
  const { expected } = wait;
  if (wait.kind === "get") {
    expectThat(!watched.isPending || wait.deadlineAt > now, "a get ends at its deadline");
  } else if (expected === "pending") {
    expectThat(watched.isPending, `a ${wait.kind} of ${wait.id} waits`);
  } else if ("aborted" in expected) {
    expectThat(watched.reason === ABORTED, `a ${wait.kind} of ${wait.id} was aborted`);
  } else if ("code" in expected) {
    const code = watched.reason === FAILURE ? "FAILED" : watched.code;
    expectThat(
      code === expected.code,
      `${wait.kind} ${wait.id}: ${expected.code}, ${String(code)}`,
    );
  } else expectThat(isSame(watched, expected.value), `a ${wait.kind} of ${wait.id} has its answer`);
}

function isSame({ fate, value }: Watched<unknown>, expected: unknown): boolean {
  if (fate === "pending" || !("value" in fate)) return false;
  if (typeof expected !== "object") return value === expected;
  const { done, failed } = { ...Object(value) } as { done?: number; failed?: number };
  const wanted = { ...Object(expected) } as { done?: number; failed?: number };
  return done === wanted.done && failed === wanted.failed;
}
