import multipart from "@fastify/multipart";
import Fastify, { type FastifyInstance } from "fastify";
import type { App } from "unjam";
import { unjamFastify } from "unjam/fastify";
import { readWhole } from "./compress-order.ts";
import { accepted, addMediaRoutes, readJson, WAIT_MS } from "./media-routes.ts";
import type { MediaStore } from "./media-store.ts";
import type { Settings } from "./settings.ts";
import { countPrimes } from "./tasks.ts";

/** About ten seconds of one core. */
const BELOW_MAX = 20_000_000;

/** The HTTP surface, not listening yet. It closes the app when it is closed. */
export async function makeMediaServer(
  app: App,
  media: MediaStore,
  settings: Settings,
): Promise<FastifyInstance> {
  const server = Fastify({ logger: { level: "warn", stream: process.stderr } });
  await server.register(unjamFastify, { app });
  await server.register(multipart, {
    limits: { fileSize: settings.uploadBytesMax, files: 1, fields: 20, fieldSize: 1_000 },
  });
  // Neither route takes text, and a client that sends it as such is told so.
  server.removeContentTypeParser("text/plain");
  addMediaRoutes(server, media, settings);

  server.post("/api/v1/compute", async (request, reply) => {
    const body = readJson(request.body, 'JSON with "below"');
    const below = readWhole("below", body["below"], BELOW_MAX);
    return accepted(reply, await app.enqueue(countPrimes, { below }, { waitMs: WAIT_MS }));
  });

  // oxlint-disable-next-line oxc/no-async-endpoint-handlers -- Fastify sees what an async route throws; Express 4 does not.
  server.get<{ Params: { id: string } }>("/api/v1/jobs/:id", async (request) => {
    const { id, state, progress, attempt, ...end } = await app.job(request.params.id).status();
    const { result, error } = end;
    return {
      ...{ id, state, progress: state === "done" ? 1 : (progress ?? 0), attempt },
      ...(result === undefined ? {} : { result }),
      ...(error === undefined ? {} : { error }),
    };
  });

  // It says that the main loop turns, and asks the queue nothing: a full one is no reason to restart.
  server.get("/api/v1/health", { logLevel: "warn" }, async () => ({ status: "healthy" }));
  return server;
}
