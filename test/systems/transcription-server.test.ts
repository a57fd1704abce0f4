import { describe, expect, it } from "vitest";
import { type App, open } from "../../src/index.ts";
import { quietLogger } from "./quiet-logger.ts";
import { SystemFolder } from "./system-folder.ts";
import { QUEUE, startTranscriptionServer } from "./transcription-server.ts";
import { transcribe } from "./transcription-tasks.ts";
import { WorkerProcess } from "./worker-process.ts";
import { healthWhile } from "./health-while.ts";

const tasks = new URL("./transcription-tasks.ts", import.meta.url);
const options = { queues: { [QUEUE]: { capacity: 1, waitersMax: 100 } }, logger: quietLogger };

/** The server with its worker in the same process. */
async function aServer() {
  const app = await open({ ...options, store: "memory:", tasks, work: { threads: 1 } });
  const server = await startTranscriptionServer(app);
  const get = (path: string): Promise<Response> => fetch(server.url + path);
  const dispose = async (): Promise<void> => {
    await server[Symbol.asyncDispose]();
    await app.close({ graceMs: 0 });
  };
  return { app, get, [Symbol.asyncDispose]: dispose };
}

describe("the transcription server", () => {
  it("enqueues on a bounded queue and answers with the task's id", async () => {
    await using server = await aServer();

    const first = await server.get("/transcribe");
    const second = await server.get("/transcribe");

    expect([first.status, await first.json()]).toEqual([
      200,
      { status: "enqueued", task_id: "task-0" },
    ]);
    expect(await second.json()).toEqual({ status: "enqueued", task_id: "task-1" });
    expect(await server.app.join()).toMatchObject({ done: 2 });
  });

  it("refuses a put that blocks for ever in the naive server with 503 and Retry-After, within its waitMs", async () => {
    await using server = await aServer();

    const response = await server.get("/transcribe?block=true");

    expect(response.status).toBe(503);
    expect(response.headers.get("retry-after")).toBe("1");
    expect(await response.json()).toMatchObject({
      error: "UNJAM_QUEUE_FULL",
      details: { queue: QUEUE, capacity: 1 },
    });
  });

  it("answers /healthz throughout, also while puts wait for room", async () => {
    await using server = await aServer();

    const blocked = Promise.all(
      Array.from({ length: 20 }, () => server.get("/transcribe?block=true")),
    );
    const health = await healthWhile(server.get, blocked);

    expect((await blocked).map(({ status }) => status)).toEqual(Array<number>(20).fill(503));
    expect([...health]).toEqual(['200 {"status":"ok"}']);
  });

  it("resumes the worker with a call without block, and works off what was waiting", async () => {
    await using server = await aServer();
    await server.get("/transcribe?block=true");

    const response = await server.get("/transcribe");

    expect(response.status).toBe(200);
    expect(await server.app.join()).toMatchObject({ done: 2, pausedCount: 0 });
  });

  it("restarts its worker within the restart budget", async () => {
    await using server = await aServer();
    const replaced: string[] = [];
    server.app.on("replaced", ({ part }) => replaced.push(part));
    const fatal = await server.app.enqueue(transcribe, { taskId: "fatal", isFatal: true });
    await fatal.result().catch(() => undefined);

    const response = await server.get("/transcribe");

    expect(response.status).toBe(200);
    expect(await server.app.join()).toMatchObject({ done: 1, failed: 1 });
    // Twice its thread, then the process in which it ran alone.
    expect(new Set(replaced)).toEqual(new Set(["job thread", "quarantine process"]));
  });

  it("refuses at once and says why when the worker's restart budget is used up", async () => {
    await using server = await aServer();
    await breakWorker(server.app);

    const response = await server.get("/transcribe");

    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ error: "UNJAM_BROKEN" });
    expect((await server.get("/healthz")).status).toBe(200);
  });

  it("refuses a full queue whose consumer was killed at once, with who it was and the reason", async () => {
    await using folder = await SystemFolder.make();
    await using worker = await WorkerProcess.start("transcription-worker.ts", folder.store);
    const app = await open({ ...options, store: folder.store, work: false });
    // Who waited for this long would never answer.
    await using server = await startTranscriptionServer(app, { waitMs: 3_600_000 });
    await worker.kill();
    await expect
      .poll(async () => (await app.workers()).find(({ pid }) => pid === worker.pid)?.reason, {
        timeout: 20_000,
      })
      .toBe(`process ${worker.pid} is gone`);

    const responses = [await fetch(`${server.url}/transcribe`)];
    responses.push(await fetch(`${server.url}/transcribe`));
    const body: unknown = await responses[1]?.json();
    await app.close({ graceMs: 0 });

    expect(responses.map(({ status }) => status)).toEqual([200, 503]);
    expect(body).toMatchObject({
      error: "UNJAM_NO_CONSUMER",
      details: {
        lastConsumer: { worker: `pid ${worker.pid}`, reason: `process ${worker.pid} is gone` },
      },
    });
  });

  it.todo("tells the truth in its heartbeat line: the age of the main loop's last tick");
  it.todo("names in its heartbeat line the call that is stuck, and where (put@server.ts:31)");
  it.todo("answers /livez while the main loop itself is blocked");
});

/** Jobs that take their thread down, until nobody replaces it any more. */
async function breakWorker(app: App): Promise<void> {
  const broken = Promise.withResolvers<void>();
  app.on("broken", () => broken.resolve());
  const progress = { isBroken: false };
  void broken.promise.then(() => (progress.isBroken = true));
  while (!progress.isBroken) {
    const job = await app
      .enqueue(transcribe, { taskId: "fatal", isFatal: true })
      .catch(() => undefined);
    await Promise.race([broken.promise, job?.result().catch(() => undefined)]);
  }
}
