/**
 * A server that puts recordings into a queue with one place, for one worker. However the worker
 * is, stopped or dead, every request has its answer and `/healthz` says that all is well.
 */
import { setTimeout as pause } from "node:timers/promises";
import { isUnjamError, JoinableQueue } from "unjam/sync";
import { type Answer, serve } from "./http.ts";

const WAIT_MS = 1_000;
/** Recordings that the worker may fail at within a minute. One more, and it is taken for dead. */
const RESTARTS_MAX = 3;

interface Recording {
  readonly id: string;
  /** For the demonstration: the worker throws at it. */
  readonly isCorrupt: boolean;
}

const recordings = new JoinableQueue<Recording>({
  name: "recordings",
  capacity: 1,
  // As many requests may wait for the one place. By default only as many as there are places.
  waitersMax: 100,
  describe: ({ id }) => id,
});

recordings.consume(transcribe, {
  name: "transcriber",
  restarts: { max: RESTARTS_MAX, perMs: 60_000 },
  onError: (error, { id }) => console.error(`${id}: ${String(error)}`),
});

/** Stands for the call of a speech engine. */
async function transcribe(
  { id, isCorrupt }: Recording,
  { signal }: { readonly signal: AbortSignal },
): Promise<void> {
  await pause(10, undefined, { signal });
  if (isCorrupt) throw new Error("not a recording");
  console.log(`${id}: transcribed`);
}

let count = 0;

async function enqueue(query: URLSearchParams): Promise<Answer> {
  const recording = { id: `task-${count++}`, isCorrupt: query.get("corrupt") === "true" };
  if (query.get("block") === "true") {
    recordings.pause();
    while (recordings.tryPut({ id: `${recording.id}-warmup`, isCorrupt: false })) continue;
  } else {
    recordings.resume();
  }
  try {
    await recordings.put(recording, { waitMs: WAIT_MS });
  } catch (error) {
    return refusal(error);
  }
  return { status: 200, body: { status: "enqueued", task_id: recording.id } };
}

/** What went wrong, by its code, and what to do about it. */
function refusal(error: unknown): Answer {
  if (!isUnjamError(error)) throw error;
  const { code, message, help, details, httpStatus: status } = error;
  return { status, body: { error: code, message, help, details }, headers: { "retry-after": "1" } };
}

const server = await serve(enqueue);

async function close(): Promise<void> {
  server.close();
  recordings.resume();
  await recordings[Symbol.asyncDispose]();
}
process.once("SIGTERM", () => void close()).once("SIGINT", () => void close());
