/**
 * The twin of examples/media-api on piscina: the same Fastify, form, files and compression, and the
 * same routes; a job is a promise of the pool, and a row of a map in memory. `niceIncrement` is left
 * as it is: sharp does not work on the pool's threads, and with 10 no figure was another.
 */
import multipart from "@fastify/multipart";
import Fastify from "fastify";
import { Piscina } from "piscina";
import { readMediaForm } from "../../examples/media-api/media-form.ts";
import { MediaStore } from "../../examples/media-api/media-store.ts";
import { lowerPoolPriority } from "../../examples/media-api/pool-priority.ts";
import { readSettings } from "../../examples/media-api/settings.ts";
import type { CompressedUpload, CompressOrderOfUpload } from "./piscina-compress.ts";

type Job =
  | { readonly state: "ready" | "dead" }
  | { readonly state: "done"; readonly result: CompressedUpload };

const settings = readSettings(process.env);
const threads = Number(process.env["THREADS"]);
const media = new MediaStore(settings.dataFolder);
await media.prepare();
lowerPoolPriority();
const jobs = new Map<string, Job>();
const pool = new Piscina<CompressOrderOfUpload, CompressedUpload>({
  filename: new URL("piscina-compress.ts", import.meta.url).href,
  minThreads: threads,
  maxThreads: threads,
  maxQueue: settings.queueCapacity,
});

const server = Fastify({ logger: { level: "warn", stream: process.stderr } });
await server.register(multipart, {
  limits: { fileSize: settings.uploadBytesMax, files: 1, fields: 20, fieldSize: 1_000 },
});
server.post("/api/v1/media/process", async (request, reply) => {
  const input = await readMediaForm(request, media, settings);
  jobs.set(input.id, { state: "ready" });
  pool.run(input).then(
    (result) => jobs.set(input.id, { state: "done", result }),
    (error: unknown) => {
      jobs.set(input.id, { state: "dead" });
      server.log.error(error);
    },
  );
  const url = `/api/v1/jobs/${input.id}`;
  return reply.code(202).header("Location", url).send({ id: input.id, url });
});
server.get<{ Params: { id: string } }>("/api/v1/jobs/:id", async (request, reply) => {
  const { id } = request.params;
  const job = jobs.get(id);
  return job === undefined ? reply.code(404).send({ error: "unknown" }) : { id, ...job };
});
server.get("/api/v1/health", { logLevel: "warn" }, async () => ({ status: "healthy" }));
const url = await server.listen({ host: "127.0.0.1", port: settings.port });
process.stdout.write(`listening on ${url}\n`);
