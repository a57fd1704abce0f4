import * as appTables from "../../src/core/option-tables.ts";
import * as poolTables from "../../src/core/pool-option-tables.ts";
import * as sharedTables from "../../src/core/shared-option-tables.ts";
import * as syncTables from "../../src/core/sync-option-tables.ts";
import { markdownTable, numberInCode, referencePage } from "./page.ts";
import type { OptionSpec, OptionTable } from "../../src/core/options.ts";
import type { ReferencePage } from "./page.ts";

const optionTables = { ...appTables, ...syncTables, ...sharedTables, ...poolTables };

/** Where a caller meets each table. A table that stands inside another is shown there. */
const TITLES: Readonly<Record<keyof typeof optionTables, string | null>> = {
  OPEN_OPTIONS: "`open(options)`",
  WORK_OPTIONS: "`open({ work })`",
  QUEUE_OPTIONS: "`open({ queues: { name: options } })`",
  TASK_OPTIONS: "`task(name, options)`",
  ENQUEUE_OPTIONS: "`app.enqueue(task, input, options)` and `app.enqueueMany`",
  RESULT_OPTIONS: "`job.result(options)`",
  JOIN_OPTIONS: "`app.join(options)`",
  LIST_OPTIONS: "`app.jobs(options)`",
  CLOSE_OPTIONS: "`app.close(options)`",
  LOCK_OPTIONS: "`new Mutex(options)` and `new Semaphore(permits, options)`",
  LOCK_WAIT_OPTIONS: "`lock(options)` and `run(fn, options)` of a mutex or semaphore",
  FASTIFY_OPTIONS: "`fastify.register(unjamFastify, options)`",
  EXPRESS_OPTIONS: "`unjamErrors(options)` for Express",
  BACKOFF_OPTIONS: null,
  TRACE_OPTIONS: null,
  JOINABLE_QUEUE_OPTIONS: "`new JoinableQueue(options)` of `unjam/sync`",
  PUT_OPTIONS: "`queue.put(value, options)` and `queue.ask`",
  WAIT_OPTIONS: "`queue.get(options)` and `queue.join`",
  ITEMS_OPTIONS: "`queue.items(options)`",
  CONSUME_OPTIONS: "`queue.consume(handler, options)`",
  CLOSE_QUEUE_OPTIONS: "`queue.close(options)`",
  STOP_OPTIONS: "`consumer.stop(options)`",
  SHARED_QUEUE_OPTIONS: "`new SharedQueue(options)` of `unjam/threads`",
  SHARED_LOCK_OPTIONS: "`new SharedMutex(options)` and `new SharedSemaphore(permits, options)`",
  BLOCKING_WAIT_OPTIONS: "`putSync`, `getSync`, `lockSync` and `runSync`, which block a thread",
  RESTART_OPTIONS: "`queue.consume(handler, { restarts })`",
  THREAD_POOL_OPTIONS: "`new ThreadPool(options)` of `unjam/threads`",
  CALL_OPTIONS: "`pool.call.name(input, options)`",
  WARM_UP_OPTIONS: "`pool.warmUp(options)`",
  CLOSE_POOL_OPTIONS: "`pool.close(options)`",
};

const HEAD = ["option", "default", "unit", "bounds", "what it does"];

export function optionsPage(): ReferencePage {
  const tables = new Map<string, OptionTable>(Object.entries(optionTables));
  const sections = Object.entries(TITLES).flatMap(([name, title]) => {
    const table = tables.get(name);
    if (table === undefined) throw new TypeError(`option-tables.ts has no ${name}`);
    return title === null ? [] : [`## ${title}`, markdownTable(HEAD, optionRows(table, ""))];
  });
  return referencePage("options", [
    "# Options",
    "Durations are milliseconds and end in `Ms`. An option that is not listed is refused with `UNJAM_UNKNOWN_OPTION`, a value out of bounds with `UNJAM_INVALID_OPTION`.",
    ...sections,
  ]);
}

function optionRows(table: OptionTable, prefix: string): (readonly string[])[] {
  return Object.entries(table).flatMap(([name, spec]) => {
    const path = `${prefix}${name}`;
    const { unit, bounds } = describe(spec);
    const row = [`\`${path}\``, defaultOf(spec), unit, bounds, spec.about];
    return spec.kind === "group" ? [row, ...optionRows(spec.of, `${path}.`)] : [row];
  });
}

function defaultOf(spec: OptionSpec): string {
  if (!("fallback" in spec) || spec.fallback === undefined) return "";
  if (typeof spec.fallback === "number") return `\`${numberInCode(spec.fallback)}\``;
  return `\`${JSON.stringify(spec.fallback)}\``;
}

function describe(spec: OptionSpec): { readonly unit: string; readonly bounds: string } {
  switch (spec.kind) {
    case "number":
      return {
        unit: spec.unit === "count" ? "whole number" : spec.unit,
        bounds: `${numberInCode(spec.min)} to ${numberInCode(spec.max)}`,
      };
    case "text":
      return { unit: "characters", bounds: `1 to ${numberInCode(spec.charsMax)}` };
    case "queue":
      return { unit: "queue name", bounds: "letters, digits and `. _ : / -`" };
    case "choice":
      return { unit: "", bounds: spec.choices.map((choice) => `\`"${choice}"\``).join(", ") };
    case "flag":
      return { unit: "", bounds: "`true`, `false`" };
    case "function":
      return { unit: "", bounds: "a function" };
    case "group":
      return { unit: "", bounds: "an object" };
    case "other":
      return { unit: "", bounds: spec.expected };
  }
}
