import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { isUnjamError, type JobHandle } from "unjam";
import { type CompressOrder, readCompressOrder } from "./compress-order.ts";
import { openInside } from "./media-folder.ts";
import { readMediaForm } from "./media-form.ts";
import type { MediaStore, Upload } from "./media-store.ts";
import { RequestError } from "./request-error.ts";
import type { Settings } from "./settings.ts";
import { compress } from "./tasks.ts";

/** A request waits this long for room in the queue, and is then sent away with a 503. */
export const WAIT_MS = 1_000;

const ID = /^[0-9a-f-]{36}$/;

/** Adds what takes images and gives them back. */
export function addMediaRoutes(
  server: FastifyInstance,
  media: MediaStore,
  settings: Settings,
): void {
  server.post("/api/v1/media/process", async (request, reply) => {
    const input = request.isMultipart()
      ? await readMediaForm(request, media, settings)
      : await readMediaPath(request.body, media, settings);
    return accepted(reply, await enqueue(server, media, input));
  });

  server.get<{ Params: { id: string } }>("/api/v1/media/:id", async (request, reply) => {
    const { id } = request.params;
    const image = ID.test(id) ? await media.readImage(id) : undefined;
    if (image === undefined)
      throw new RequestError(404, "NO_IMAGE", `there is no image ${id}, or not yet`);
    return reply.type("image/webp").send(image);
  });
}

/** 202: the job is stored and will be done, also when this process dies now. */
export function accepted(reply: FastifyReply, job: JobHandle): FastifyReply {
  const url = `/api/v1/jobs/${job.id}`;
  return reply.code(202).header("Location", url).send({ id: job.id, url });
}

/** An object from a JSON body. @throws RequestError 415 (no body at all), 400 */
export function readJson(body: FastifyRequest["body"], wanted: string): Record<string, unknown> {
  if (typeof body === "object" && body !== null && !Array.isArray(body)) return { ...body };
  throw new RequestError(body === undefined ? 415 : 400, "NOT_UNDERSTOOD", `send ${wanted}`);
}

async function readMediaPath(
  body: FastifyRequest["body"],
  media: MediaStore,
  { mediaFolder, uploadBytesMax }: Settings,
): Promise<Upload & CompressOrder> {
  const { path, width, quality } = readJson(body, 'a form with "file", or JSON with "path"');
  if (typeof path !== "string" || path === "") {
    throw new RequestError(400, "NO_PATH", 'send the name of a file in the media folder as "path"');
  }
  const order = readCompressOrder({ width, quality });
  // A copy, so that the job has what the request named even if the file changes before it runs.
  const upload = await media.saveUpload(await openInside(mediaFolder, path, uploadBytesMax));
  return { ...upload, ...order };
}

async function enqueue(
  server: FastifyInstance,
  media: MediaStore,
  input: Upload & CompressOrder,
): Promise<JobHandle> {
  try {
    return await server.unjam.enqueue(compress, input, { id: input.id, waitMs: WAIT_MS });
  } catch (error) {
    // Refused is refused; but a job that may have been stored must find its input.
    if (!isUnjamError(error, "UNJAM_OUTCOME_UNKNOWN")) await media.removeUpload(input.id);
    throw error;
  }
}
