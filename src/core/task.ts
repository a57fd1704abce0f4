import type { Backoff } from "./backoff.ts";
import type { StandardSchema } from "./standard-schema.ts";

export type RunsOn = "loop" | "thread" | "process";
/**
 * Where the supervisor runs handlers, on what it can kill. "alone": a suspect in a child process
 * of its own, whatever its task says.
 */
export type CrewLane = Exclude<RunsOn, "loop"> | "alone";

/** What the runtime must know about a task: plain data, because it crosses threads. */
export interface TaskFacts {
  readonly name: string;
  readonly queue: string;
  readonly runs: RunsOn;
  readonly timeoutMs: number;
  readonly attempts: number;
  readonly backoff: Backoff;
  readonly keep: { readonly doneMs: number; readonly deadMs: number };
}

/** The function behind a task, with its types forgotten: what the runners call. */
export type AnyHandler = (input: never, context: never) => unknown;

/**
 * Shared by all copies of the package, so that a task made by one is known by another: the CLI
 * and the app may load the package from two places.
 */
export const TASK: unique symbol = Symbol.for("unjam.task");

/** A task value as the runtime sees it. */
export interface TaskBody {
  readonly facts: TaskFacts;
  readonly input: StandardSchema | undefined;
  readonly handler: AnyHandler | undefined;
}

/** The body of a task value, or `undefined` for anything else that a module may export. */
export function taskBody(value: unknown): TaskBody | undefined {
  if (typeof value !== "object" || value === null || !(TASK in value)) return undefined;
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the symbol is ours, and only task() sets it.
  return value[TASK] as TaskBody;
}
