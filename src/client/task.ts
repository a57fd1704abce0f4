import type { Backoff } from "../core/backoff.ts";
import { UnjamError } from "../core/errors.ts";
import type { JobContext } from "../core/job-context.ts";
import { TASK_NAME_CHARS_MAX } from "../core/limits.ts";
import { TASK_OPTIONS } from "../core/option-tables.ts";
import { invalid, readOptions } from "../core/options.ts";
import {
  isStandardSchema,
  type SchemaInput,
  type SchemaOutput,
  type StandardSchema,
} from "../core/standard-schema.ts";
import { type AnyHandler, type RunsOn, TASK, type TaskBody, taskBody } from "../core/task.ts";

/** How a task's jobs run. Durations are milliseconds; docs/reference/options.md has the bounds. */
export interface TaskOptions {
  /** Where its jobs wait. Default "default". */
  readonly queue?: string;
  /**
   * "loop" (default) for async I/O, "thread" for CPU work, "process" for native code that may
   * crash: whatever happens to the child process costs only that attempt.
   */
  readonly runs?: RunsOn;
  /** Time for one attempt, 1 ms to a day. Default 60_000. */
  readonly timeoutMs?: number;
  /** Tries in all, 1 to 1,000. Default 5. Losses (a crashed process) do not count. */
  readonly attempts?: number;
  readonly backoff?: Partial<Backoff>;
  /** How long settled jobs stay readable. Default an hour when done, 30 days when dead. */
  readonly keep?: { readonly doneMs?: number; readonly deadMs?: number };
}

declare const TYPES: unique symbol;

/** A named, typed definition of work. Producers need only this; `In` is what enqueue takes. */
export interface Task<In = never, Out = unknown> {
  readonly name: string;
  /** What the runtime reads; not for users. */
  readonly [TASK]: TaskBody;
  /** Never there at run time; it carries the types. */
  readonly [TYPES]?: { readonly input: (input: In) => void; readonly output: Out };
}

/** The function behind a task. What it returns must be JSON, at most 256 KiB, or nothing. */
export type Handler<In, Out> = (input: In, context: JobContext) => Out | Promise<Out>;

/**
 * Defines a task. With a function it can run; without one it is a definition for producers, and
 * `handle` gives it its body in the worker's module. A definition says which queue its jobs go
 * to; time-outs, attempts, backoff and retention are read where the job runs.
 *
 * @param name unique among the tasks of a store, at most 128 characters; stored jobs find their
 *   handler by it.
 * @throws UNJAM_UNKNOWN_OPTION, UNJAM_INVALID_OPTION, UNJAM_QUEUE_NAME_INVALID
 *
 * @example
 * import { open, task } from "unjam";
 * const greet = task("greet", { timeoutMs: 5_000 }, async (input: { name: string }) => {
 *   return `hello ${input.name}`;
 * });
 * const app = await open({ store: "memory:", tasks: [greet] });
 * const job = await app.enqueue(greet, { name: "Ada" });
 * console.log(await job.result());
 * await app.close();
 */
export function task<S extends StandardSchema, Out>(
  name: string,
  options: TaskOptions & { readonly input: S },
  handler: Handler<SchemaOutput<S>, Out>,
): Task<SchemaInput<S>, Awaited<Out>>;
export function task<S extends StandardSchema, Out = unknown>(
  name: string,
  options: TaskOptions & { readonly input: S },
): Task<SchemaInput<S>, Out>;
export function task<In, Out>(
  name: string,
  options: TaskOptions,
  handler: Handler<In, Out>,
): Task<In, Awaited<Out>>;
export function task<In = unknown, Out = unknown>(
  name: string,
  options?: TaskOptions,
): Task<In, Out>;
export function task(name: string, options: object = {}, handler?: AnyHandler): Task<unknown> {
  const where = `task(${JSON.stringify(name)})`;
  if (typeof name !== "string" || name.length === 0 || name.length > TASK_NAME_CHARS_MAX) {
    throw invalid("name", "task()", `a text of 1 to ${TASK_NAME_CHARS_MAX} characters`, name);
  }
  const { input, ...facts } = readOptions(TASK_OPTIONS, options, where);
  if (input !== undefined && !isStandardSchema(input)) {
    throw invalid("input", where, "a Standard Schema validator", input);
  }
  if (handler !== undefined && typeof handler !== "function") {
    throw invalid("its handler", where, "a function", handler);
  }
  return { name, [TASK]: { facts: { name, ...facts }, input, handler } };
}

/**
 * Gives a definition its body, in the module that workers load. The result is a task of its own;
 * producers go on using the definition.
 *
 * @example
 * import { handle, task } from "unjam";
 * export const resize = task<{ path: string }, { bytes: number }>("resize", { runs: "thread" });
 * export const resizeHandler = handle(resize, async ({ path }) => ({ bytes: path.length }));
 */
export function handle<In, Out>(
  definition: Task<In, Out>,
  handler: Handler<In, Out>,
): Task<In, Out> {
  const body = taskBody(definition);
  if (body === undefined)
    throw invalid("definition", "handle()", "a value made by task()", definition);
  if (typeof handler !== "function") throw invalid("handler", "handle()", "a function", handler);
  return { name: definition.name, [TASK]: { ...body, handler } };
}

/** Tasks by name. A definition beside its handler is one task; two handlers are a mistake. */
export function collectTasks(values: Iterable<unknown>): Map<string, TaskBody> {
  const tasks = new Map<string, TaskBody>();
  for (const value of values) {
    const body = taskBody(value);
    if (body === undefined) continue;
    const known = tasks.get(body.facts.name);
    if (
      known?.handler !== undefined &&
      body.handler !== undefined &&
      known.handler !== body.handler
    ) {
      throw new UnjamError("UNJAM_TASK_DUPLICATE", { task: body.facts.name });
    }
    if (known === undefined || body.handler !== undefined) tasks.set(body.facts.name, body);
  }
  return tasks;
}
