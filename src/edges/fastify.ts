import type { FastifyInstance, FastifyPluginAsync, FastifyReply } from "fastify";
import type { App } from "../client/app.ts";
import { FASTIFY_OPTIONS } from "../core/option-tables.ts";
import { invalid, readOptions } from "../core/options.ts";
import { answerTo, readApp } from "./http-answer.ts";
import { drainRequests, type RequestDrain } from "./request-drain.ts";

declare module "fastify" {
  interface FastifyInstance {
    /** The app that was given to `unjamFastify`. */
    readonly unjam: App;
  }
}

/** docs/reference/options.md has every default, unit and bound. */
export interface UnjamFastifyOptions {
  /** What `open()` resolved with. The plugin closes it with the server. */
  readonly app: App;
  /** Time for requests and running handlers when the server closes. Default 25_000. */
  readonly graceMs?: number;
  /** Answers GET on this path with `{"status":"ok"}`, such as "/healthz". Default: no route. */
  readonly healthPath?: string;
  /** What `Retry-After` says on a 503, in whole seconds, rounded up. Default 1_000. */
  readonly retryAfterMs?: number;
  /** Answers UnjamErrors. Default true; `false` when the server has an error handler of its own. */
  readonly errors?: boolean;
}

/**
 * Fastify 5: puts the app on the instance as `fastify.unjam`, closes it with the server, and answers
 * every UnjamError that a route throws with its HTTP status, `{ error, message, help }` and, on 503,
 * `Retry-After`. All other errors go on to the error handler that was there before. The message may
 * name what the error is about, such as the store's file or what a handler threw.
 *
 * The health route looks at neither queue nor store: it says that the main loop turns, and a full
 * queue or a locked file is no reason to restart a process.
 *
 * It applies to the instance that it is registered on, not to a scope of its own, so `prefix` is
 * refused. Closing takes at most about `graceMs`: half of it for the requests under way, whose
 * connections are then cut, and what is left for running handlers.
 *
 * @throws UNJAM_UNKNOWN_OPTION, UNJAM_INVALID_OPTION, when the instance gets ready
 *
 * @example
 * import Fastify from "fastify";
 * import { open, task } from "unjam";
 * import { unjamFastify } from "unjam/fastify";
 * const mail = task("mail", {}, async (input: { to: string }) => `sent to ${input.to}`);
 * const server = Fastify();
 * await server.register(unjamFastify, {
 *   app: await open({ store: "memory:", tasks: [mail] }),
 *   healthPath: "/healthz",
 * });
 * server.post("/mails", async (_request, reply) => {
 *   const job = await server.unjam.enqueue(mail, { to: "ada@example.org" }, { waitMs: 1_000 });
 *   return reply.code(202).send({ id: job.id });
 * });
 * console.log((await server.inject({ method: "POST", url: "/mails" })).json());
 * await server.close();
 */
export const unjamFastify: FastifyPluginAsync<UnjamFastifyOptions> = Object.assign(register, {
  // What fastify-plugin would set: no encapsulation, a name for error messages, the version it is for.
  [Symbol.for("skip-override")]: true,
  [Symbol.for("fastify.display-name")]: "unjam",
  [Symbol.for("plugin-meta")]: { name: "unjam", fastify: "5.x" },
});

async function register(fastify: FastifyInstance, options: UnjamFastifyOptions): Promise<void> {
  const where = "unjamFastify";
  const { graceMs, healthPath, retryAfterMs, errors, ...rest } = readOptions(
    FASTIFY_OPTIONS,
    options,
    where,
  );
  const app = readApp(rest.app, where);
  if (healthPath?.startsWith("/") === false) {
    throw invalid("healthPath", where, 'a path that starts with "/"', healthPath);
  }
  fastify.decorate("unjam", app);
  closeWith(fastify, app, graceMs);
  if (healthPath !== undefined) {
    // Probes come every few seconds for ever; their access lines would bury the others.
    fastify.get(healthPath, { logLevel: "warn" }, async () => ({ status: "ok" }));
  }
  if (errors) {
    fastify.setErrorHandler((error, _request, reply) => answer(error, reply, retryAfterMs));
  }
}

/** Fastify runs onClose hooks once its requests are done; the app serves them until then. */
function closeWith(fastify: FastifyInstance, app: App, graceMs: number): void {
  let drain: RequestDrain | undefined;
  fastify.addHook("preClose", async () => {
    drain = drainRequests(fastify.server, { graceMs });
  });
  fastify.addHook("onClose", async () => {
    drain?.stop();
    const leftMs = drain === undefined ? graceMs : drain.until - performance.now();
    await app.close({ graceMs: Math.max(0, leftMs) });
  });
}

function answer(error: unknown, reply: FastifyReply, retryAfterMs: number): FastifyReply {
  const answered = answerTo(error, retryAfterMs);
  // Thrown on, it reaches the handler that stood here before this one, or Fastify's own.
  if (answered === undefined) throw error;
  const { status, headers, body } = answered;
  // A busy service is not a fault of this server, and the app's own log counts refusals already.
  reply.log[status >= 500 && status !== 503 ? "error" : "info"]({ err: error }, body.message);
  return reply.code(status).headers(headers).send(body);
}
