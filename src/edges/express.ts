import type { App } from "../client/app.ts";
import { CLOSE_OPTIONS, EXPRESS_OPTIONS } from "../core/option-tables.ts";
import { readOptions } from "../core/options.ts";
import { answerTo, readApp } from "./http-answer.ts";
import { type DrainableServer, drainRequests } from "./request-drain.ts";

/** What is used of a response: Express 4, Express 5 and their types all have it. */
export interface AnswerableResponse {
  readonly headersSent: boolean;
  status(code: number): unknown;
  setHeader(name: string, value: string): unknown;
  json(body: unknown): unknown;
}

/** Four parameters make it error middleware: Express counts them. */
// oxlint-disable-next-line max-params -- Express decides.
export type ErrorMiddleware = (
  error: unknown,
  request: unknown,
  response: AnswerableResponse,
  next: (error?: unknown) => void,
) => void;

/**
 * Error middleware for Express 4 and 5: answers every UnjamError with its HTTP status,
 * `{ error, message, help }` and, on 503, `Retry-After` (`retryAfterMs`, default 1_000, in whole
 * seconds, rounded up). All other errors, and those that come after the answer has begun, go on to
 * the next error middleware. The message may name what the error is about, such as the store's file.
 *
 * Use it after the routes. Express 4 does not see what an async route throws: pass it to `next`.
 *
 * @throws UNJAM_UNKNOWN_OPTION, UNJAM_INVALID_OPTION
 *
 * @example
 * import express from "express";
 * import { open, task } from "unjam";
 * import { closeServer, unjamErrors, unjamHealth } from "unjam/express";
 * const mail = task("mail", {}, async (input: { to: string }) => `sent to ${input.to}`);
 * const app = await open({ store: "memory:", tasks: [mail] });
 * const web = express();
 * web.get("/healthz", unjamHealth());
 * web.post("/mails", async (_request, response) => {
 *   const job = await app.enqueue(mail, { to: "ada@example.org" }, { waitMs: 1_000 });
 *   response.status(202).json({ id: job.id });
 * });
 * web.use(unjamErrors());
 * const server = web.listen(0, "127.0.0.1");
 * await closeServer(server, app);
 */
export function unjamErrors(options?: { readonly retryAfterMs?: number }): ErrorMiddleware {
  const { retryAfterMs } = readOptions(EXPRESS_OPTIONS, options, "unjamErrors()");
  // oxlint-disable-next-line max-params -- Express takes it for error middleware by its four parameters.
  return (error, _request, response, next): void => {
    const answered = answerTo(error, retryAfterMs);
    if (answered === undefined || response.headersSent) {
      next(error);
      return;
    }
    for (const [name, value] of Object.entries(answered.headers)) response.setHeader(name, value);
    response.status(answered.status);
    response.json(answered.body);
  };
}

/**
 * A route that answers `{"status":"ok"}`. It looks at neither queue nor store: it says that the main
 * loop turns, and a full queue or a locked file is no reason to restart a process.
 */
export function unjamHealth(): (request: unknown, response: AnswerableResponse) => void {
  return (_request, response): void => {
    response.json({ status: "ok" });
  };
}

export type { DrainableServer } from "./request-drain.ts";

/** A server of `node:http` or `node:https`, such as `web.listen()` gives. */
export interface ClosableServer extends DrainableServer {
  close(ended: (error?: Error) => void): unknown;
}

/**
 * Ends a server and then its app within `graceMs` (default 25_000), whatever happens: no new
 * connections, at most half of the time for the requests under way, what is left for handlers.
 * A server that does not listen is fine, and so is a second call.
 *
 * @throws UNJAM_UNKNOWN_OPTION, UNJAM_INVALID_OPTION
 */
export async function closeServer(
  server: ClosableServer,
  app: App,
  options?: { readonly graceMs?: number },
): Promise<void> {
  const { graceMs } = readOptions(CLOSE_OPTIONS, options, "closeServer()");
  const queue = readApp(app, "closeServer()");
  const until = await endRequests(server, graceMs);
  await queue.close({ graceMs: Math.max(0, until - performance.now()) });
}

/** Resolves when the last connection is closed, or cut. */
async function endRequests(server: ClosableServer, graceMs: number): Promise<number> {
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  // Upgraded connections (WebSockets) are not the server's any more, and would hold it for ever.
  const drain = drainRequests(server, { graceMs, onCut: resolve });
  // Its only error says that the server does not listen: then there is nothing to wait for.
  server.close(() => resolve());
  await ended;
  drain.stop();
  return drain.until;
}
