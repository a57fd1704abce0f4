/**
 * V8's stack traces as data. A trace is taken cheaply (`captureStack`) and read only when somebody
 * needs it (`readFrames`). Runtimes without `Error.prepareStackTrace` give no frames; nothing that
 * is built on this may need them.
 */

/** The script in which Node drains its microtasks: outside of it nothing runs between two of them. */
export const TASK_QUEUES = "node:internal/process/task_queues";

/**
 * The script that starts the body of a module in its first turn. Outermost, it is nobody's flow: what
 * else is evaluated in that turn are the bodies of other modules, which no frame of the first awaits.
 */
export const MODULE_JOB = "node:internal/modules/esm/module_job";

/** An object whose `stack` the engine fills in when it is first read. */
export interface Stack {
  stack?: unknown;
}

export interface Frame {
  /** The function, by the place where its source begins; `undefined` when it cannot be told. */
  readonly fn: string | undefined;
  /** The exact place inside the function that runs, or that awaits. */
  readonly at: string;
  /** How far into the script that is, in characters. */
  readonly position: number;
  readonly name: string | null;
  readonly script: string;
  readonly line: number | null;
  /** Suspended: it awaits the frame before it. */
  readonly isAsync: boolean;
}

/**
 * The frames above `below`'s caller are left out, so that the first is who called `below`.
 * Without `below`, everything from here.
 */
export function captureStack(framesMax: number, below: Below = captureStack): Stack {
  const holder: Stack = {};
  const limit: unknown = Reflect.get(Error, "stackTraceLimit");
  // A frozen Error keeps its own limit.
  Reflect.set(Error, "stackTraceLimit", framesMax);
  try {
    Error.captureStackTrace?.(holder, below);
  } finally {
    Reflect.set(Error, "stackTraceLimit", limit);
  }
  return holder;
}

/** A function that is on the stack; only its identity is used. */
export type Below = (...args: never) => unknown;

/** Reads it once: the engine forgets the raw frames when it has formatted them. */
export function readFrames(holder: Stack): readonly Frame[] {
  const before: unknown = Reflect.get(Error, "prepareStackTrace");
  Reflect.set(Error, "prepareStackTrace", rawFrames);
  try {
    const raw = holder.stack;
    return Array.isArray(raw) ? raw.map(toFrame) : [];
  } finally {
    Reflect.set(Error, "prepareStackTrace", before);
  }
}

function rawFrames(_: unknown, frames: unknown): unknown {
  return frames;
}

function toFrame(raw: NodeJS.CallSite): Frame {
  const name = raw.getFunctionName();
  const script = (raw.getScriptNameOrSourceURL() ?? "").replace(/^file:\/\//, "");
  const isAsync = raw.isAsync();
  const index = raw.getPromiseIndex();
  const position = raw.getPosition();
  return {
    fn: functionOf(raw, name, script),
    at: `${script}:${position}${index === null ? "" : `#${index}`}`,
    position,
    name,
    script,
    line: raw.getLineNumber(),
    isAsync,
  };
}

/** How the body of a module is told from a function: it runs once, and nobody can call it. */
const MODULE_BODY = ":module";

export function isModuleBody(fn: string): boolean {
  return fn.endsWith(MODULE_BODY);
}

/**
 * Two functions may share a name, and many have none; no two begin at one place, except the body of
 * a module, which has no name, and the function at its very beginning, which has one.
 */
function functionOf(raw: NodeJS.CallSite, name: string | null, script: string): string | undefined {
  const line = raw.getEnclosingLineNumber?.();
  const column = raw.getEnclosingColumnNumber?.();
  if (typeof line !== "number" || typeof column !== "number") return undefined;
  const isModule = name === null && line === 1 && column === 1;
  return `${script}${isModule ? MODULE_BODY : `:${line}:${column}`}`;
}
