/**
 * The same, compressing where the request is answered. sharp has no synchronous call, so it is made
 * one with a child process that is waited for; nobody else gets an answer meanwhile, not even the
 * health check.
 */
import multipart from "@fastify/multipart";
import Fastify from "fastify";
import { execFileSync } from "node:child_process";
import { audit } from "./audit.ts";
import { compressImage } from "./image-compressor.ts";
import { readMediaForm } from "./media-form.ts";
import { MediaStore } from "./media-store.ts";
import { readSettings } from "./settings.ts";

const settings = readSettings(process.env);
const media = new MediaStore(settings.dataFolder);
const [, program = "", id, width, quality] = process.argv;

if (id === undefined) await serve();
else await compress(id, { width: Number(width), quality: Number(quality) });

async function serve(): Promise<void> {
  await media.prepare();
  const server = Fastify();
  await server.register(multipart, { limits: { fileSize: settings.uploadBytesMax, files: 1 } });

  server.post("/api/v1/media/process", async (request, reply) => {
    const order = await readMediaForm(request, media, settings);
    const argv = [program, order.id, String(order.width), String(order.quality)];
    console.log(`${order.id}: compressing`);
    execFileSync(process.execPath, argv);
    return reply.code(202).send({ id: order.id, url: `/api/v1/jobs/${order.id}` });
  });

  server.get<{ Params: { id: string } }>("/api/v1/jobs/:id", async (request, reply) => {
    const image = await media.readImage(request.params.id);
    if (image === undefined) return reply.code(404).send();
    return { id: request.params.id, state: "done", progress: 1, attempt: 1 };
  });

  server.get("/api/v1/health", async () => ({ status: "healthy" }));
  console.log(`listening on ${await server.listen({ host: "127.0.0.1", port: settings.port })}`);
}

/** What the child process does. */
async function compress(
  upload: string,
  order: { readonly width: number; readonly quality: number },
): Promise<void> {
  audit("begin", { id: upload });
  const input = (await media.readUpload(upload)) ?? Buffer.alloc(0);
  const { data } = await compressImage(input, order, () => undefined);
  await media.saveImage(upload, data);
  await media.removeUpload(upload);
  audit("end", { id: upload });
}
