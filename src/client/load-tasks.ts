import { existsSync } from "node:fs";
import { UnjamError } from "../core/errors.ts";
import { isError } from "../core/is-error.ts";
import { invalid } from "../core/options.ts";
import type { TaskBody } from "../core/task.ts";
import { collectTasks } from "./task.ts";

/** The tasks of an app, and the module that threads load to get the same ones. */
export interface LoadedTasks {
  readonly bodies: ReadonlyMap<string, TaskBody>;
  /** `null` for an array of values: those cannot cross threads. */
  readonly module: string | null;
}

/**
 * Reads `open({ tasks })`: a module's URL, or an array of task values.
 * @throws UNJAM_TASK_MODULE_NOT_FOUND, UNJAM_TASK_MODULE_FAILED, UNJAM_TASK_DUPLICATE
 */
export async function loadTasks(tasks: unknown): Promise<LoadedTasks> {
  if (tasks === undefined) return { bodies: new Map(), module: null };
  if (Array.isArray(tasks)) return { bodies: collectTasks(tasks), module: null };
  if (!(tasks instanceof URL) && typeof tasks !== "string") {
    throw invalid("tasks", "open()", "the URL of a module, or an array of tasks", tasks);
  }
  const module = findModule(tasks);
  const exports = await importModule(module);
  return { bodies: collectTasks(Object.values(exports)), module };
}

async function importModule(url: string): Promise<object> {
  try {
    const exports: unknown = await import(url);
    return typeof exports === "object" && exports !== null ? exports : {};
  } catch (error) {
    const reason = isError(error) ? error.message : String(error);
    throw new UnjamError("UNJAM_TASK_MODULE_FAILED", { url, reason }, { cause: error });
  }
}

/** Source and build differ by extension only; after `tsc`, "./tasks.ts" stands beside as "./tasks.js". */
const SIBLINGS: Readonly<Record<string, readonly string[]>> = {
  ".ts": [".js"],
  ".mts": [".mjs"],
  ".cts": [".cjs"],
  ".js": [".ts"],
  ".mjs": [".mts"],
  ".cjs": [".cts"],
};

function findModule(given: URL | string): string {
  const url = typeof given === "string" ? parseUrl(given) : given;
  const extension = /\.[cm]?[jt]s$/.exec(url.pathname)?.[0] ?? "";
  const stem = url.href.slice(0, url.href.length - extension.length);
  const candidates = [url.href, ...(SIBLINGS[extension] ?? []).map((sibling) => stem + sibling)];
  const found = candidates.find((href) => isFile(href));
  if (found !== undefined) return found;
  throw new UnjamError("UNJAM_TASK_MODULE_NOT_FOUND", { url: url.href, tried: candidates });
}

function parseUrl(text: string): URL {
  if (URL.canParse(text)) return new URL(text);
  throw invalid("tasks", "open()", 'a URL such as new URL("./tasks.ts", import.meta.url)', text);
}

/** A URL that cannot be a path, such as one with another host, is none. */
function isFile(href: string): boolean {
  return href.startsWith("file:") && existsSync(new URL(href));
}
