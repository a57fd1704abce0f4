import { type App, isUnjamError } from "../../src/index.ts";
import { type Answer, type Call, HttpService } from "./http-service.ts";
import { transcribe } from "./transcription-tasks.ts";

export const QUEUE = "audio";
/** Requests wait this long for room. */
const WAIT_MS = 1_000;

/**
 * The server that froze: `GET /transcribe` puts into a queue with one place, `?block=true` pauses
 * the worker and fills the queue, `GET /healthz` says that all is well. Here the put that finds no
 * room ends in an answer.
 */
export async function startTranscriptionServer(
  app: App,
  { waitMs = WAIT_MS }: { readonly waitMs?: number } = {},
): Promise<HttpService> {
  let count = 0;
  const enqueue = async (query: URLSearchParams): Promise<Answer> => {
    const taskId = `task-${count++}`;
    if (query.get("block") === "true") await jam(app, taskId);
    else await app.resume(QUEUE);
    await app.enqueue(transcribe, { taskId }, { waitMs });
    return { status: 200, body: { status: "enqueued", task_id: taskId } };
  };
  return HttpService.start(({ path, query }: Call) => {
    if (path === "/healthz") return { status: 200, body: { status: "ok" } };
    if (path === "/transcribe") return enqueue(query).catch(refusal);
    return { status: 404, body: { error: "NOT_FOUND" } };
  });
}

/** Stops the worker and fills the queue to the brim. */
async function jam(app: App, taskId: string): Promise<void> {
  await app.pause(QUEUE);
  for (let warmup = 0; ; warmup++) {
    try {
      const filler = { taskId: `${taskId}-warmup-${warmup}` };
      await app.enqueue(transcribe, filler, { whenFull: "reject" });
    } catch (error) {
      if (isUnjamError(error, "UNJAM_QUEUE_FULL")) return;
      throw error;
    }
  }
}

function refusal(error: unknown): Answer {
  if (!isUnjamError(error)) throw error;
  const { code, message, help, details, httpStatus } = error;
  return {
    status: httpStatus,
    body: { error: code, message, help, details },
    headers: { "retry-after": "1" },
  };
}
