import type { App } from "../client/app.ts";
import { isUnjamError } from "../core/errors.ts";
import { invalid } from "../core/options.ts";

/** Only a server that could do it later is worth asking again. */
const STATUS_UNAVAILABLE = 503;

/** What a server answers to a request that ended in one of our errors. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: { readonly error: string; readonly message: string; readonly help: string };
}

/** The answer to an UnjamError, or `undefined` for any other error: those are not ours to explain. */
export function answerTo(error: unknown, retryAfterMs: number): HttpAnswer | undefined {
  if (!isUnjamError(error)) return undefined;
  const { code, message, help, httpStatus: status } = error;
  const isWorthARetry = status === STATUS_UNAVAILABLE;
  return {
    status,
    // The header counts in whole seconds, and 0 would invite a client to hammer.
    headers: isWorthARetry
      ? { "Retry-After": String(Math.max(1, Math.ceil(retryAfterMs / 1_000))) }
      : {},
    body: { error: code, message, help },
  };
}

/** @throws UNJAM_INVALID_OPTION */
export function readApp(value: unknown, where: string): App {
  const isApp =
    typeof value === "object" &&
    value !== null &&
    ["enqueue", "close"].every((name) => typeof Reflect.get(value, name) === "function");
  if (!isApp) throw invalid("app", where, "what open() resolved with", value);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- by what it can do: it may come from another copy of this package, where instanceof fails.
  return value as App;
}
