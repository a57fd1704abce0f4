import type { ClaimedJob } from "../../src/core/job.ts";
import type { TaskBody, TaskFacts } from "../../src/core/task.ts";
import type { AttemptColumns } from "../../src/runtime/messages.ts";

/** The facts of a task, with everything left out that does not matter. */
export function someFacts(overrides: Partial<TaskFacts> = {}): TaskFacts {
  return {
    name: "send",
    queue: "mail",
    runs: "loop",
    timeoutMs: 10_000,
    attempts: 5,
    backoff: { firstMs: 1_000, factor: 2, maxMs: 300_000, jitter: 0 },
    keep: { doneMs: 3_600_000, deadMs: 3_600_000 },
    ...overrides,
  };
}

export function aBody(
  handler: (input: unknown, context: never) => unknown,
  overrides: Partial<TaskFacts> = {},
): TaskBody {
  return { facts: someFacts(overrides), input: undefined, handler };
}

export function aClaimedJob(overrides: Partial<ClaimedJob> = {}): ClaimedJob {
  return {
    id: 1,
    token: 1,
    queue: "mail",
    task: "send",
    payload: "{}",
    attempt: 0,
    losses: 0,
    extra: null,
    ...overrides,
  };
}

/** Jobs of one task with these numbers, as they reach the loop. */
export function someAttempts(
  ids: readonly number[],
  overrides: Partial<AttemptColumns> = {},
): AttemptColumns {
  return {
    task: "send",
    queue: "mail",
    ids,
    tokens: ids.map(() => 1),
    attempts: ids.map(() => 0),
    payloads: ids.map((id) => JSON.stringify({ id })),
    extras: null,
    ...overrides,
  };
}
