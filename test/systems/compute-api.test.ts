import { availableParallelism } from "node:os";
import { describe, expect, it } from "vitest";
import { type App, open } from "../../src/index.ts";
import { startComputeServer } from "./compute-server.ts";
import { burn } from "./compute-tasks.ts";
import { quietLogger } from "./quiet-logger.ts";
import { SystemFolder } from "./system-folder.ts";
import { WorkerProcess } from "./worker-process.ts";

const HEALTH_SAMPLES = 300;

interface JobAnswer {
  readonly id: string;
  readonly state: string;
  readonly result?: { readonly primes: number; readonly pid: number };
}

async function aServer({ threads = 1, queues = ["compute"] } = {}) {
  const folder = await SystemFolder.make();
  const app: App = await open({
    store: folder.store,
    tasks: new URL("./compute-tasks.ts", import.meta.url),
    work: { threads, queues },
    logger: quietLogger,
  });
  const server = await startComputeServer(app);
  const get = (path: string): Promise<Response> => fetch(server.url + path);
  const post = (path: string, body: object): Promise<Response> =>
    fetch(server.url + path, { method: "POST", body: JSON.stringify(body) });
  const settled = async (url: string): Promise<JobAnswer> => {
    const answer = async (): Promise<JobAnswer> => (await (await get(url)).json()) as JobAnswer;
    await expect.poll(async () => (await answer()).state, { timeout: 30_000 }).toBe("done");
    return answer();
  };
  const dispose = async (): Promise<void> => {
    await server[Symbol.asyncDispose]();
    await app.close({ graceMs: 0 });
    await folder[Symbol.asyncDispose]();
  };
  return { app, folder, get, post, settled, [Symbol.asyncDispose]: dispose };
}

describe("the compute API", () => {
  it("answers an order with 202, an id and where to ask, and computes it on a thread", async () => {
    await using server = await aServer();

    const response = await server.post("/api/v1/compute", { below: 100_000 });
    const body = (await response.json()) as { id: string; url: string };
    const job = await server.settled(body.url);

    expect(response.status).toBe(202);
    expect(body).toEqual({ id: body.id, url: `/api/v1/jobs/${body.id}` });
    expect(response.headers.get("location")).toBe(body.url);
    expect(job).toEqual({
      ...{ id: body.id, state: "done", progress: 1, attempt: 1 },
      result: { primes: 9_592, pid: process.pid },
    });
  });

  it("runs the same handler for scale-compute in another process", async () => {
    await using server = await aServer();
    await using worker = await WorkerProcess.start("compute-worker.ts", server.folder.store);

    const response = await server.post("/api/v1/scale-compute", { below: 100_000 });
    const { url } = (await response.json()) as { url: string };
    const job = await server.settled(url);

    expect(response.status).toBe(202);
    expect(job.result).toEqual({ primes: 9_592, pid: worker.pid });
  });

  it("finishes an order of scale-compute on another worker when the first is killed", async () => {
    await using server = await aServer();
    await using first = await WorkerProcess.start("compute-worker.ts", server.folder.store);
    const response = await server.post("/api/v1/scale-compute", { below: 60_000_000 });
    const { id, url } = (await response.json()) as { id: string; url: string };
    await expect.poll(async () => (await server.app.job(id).status()).state).toBe("leased");
    await first.kill();

    await using second = await WorkerProcess.start("compute-worker.ts", server.folder.store);
    const job = await server.settled(url);

    expect(job.result).toEqual({ primes: 3_562_115, pid: second.pid });
    expect(await server.app.job(id).status()).toMatchObject({ attempt: 1, losses: 1 });
  });

  it("answers 404 for a job that nobody knows", async () => {
    await using server = await aServer();

    const response = await server.get("/api/v1/jobs/nobody");

    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ error: "UNJAM_JOB_UNKNOWN" });
  });

  it("says that it is healthy, again and again, while every core is busy", async () => {
    const cores = availableParallelism();
    await using server = await aServer({ threads: cores, queues: ["burn"] });
    const burning = await server.app.enqueueMany(burn, Array(cores).fill(null));
    await expect
      .poll(async () => (await server.app.jobs({ state: "leased" })).map(({ note }) => note), {
        timeout: 20_000,
      })
      .toEqual(Array<string>(cores).fill("burning"));

    const answers = new Set<string>();
    for (let sample = 0; sample < HEALTH_SAMPLES; sample++) {
      const response = await server.get("/api/v1/health");
      answers.add(`${response.status} ${await response.text()}`);
    }
    const leasedAfter = (await server.app.jobs({ state: "leased" })).length;
    await Promise.all(burning.map((job) => job.cancel()));

    expect([...answers]).toEqual(['200 {"status":"healthy"}']);
    expect(leasedAfter).toBe(cores);
  });

  it.todo("runs scale-compute on PostgreSQL, with workers on several machines");
  it.todo("runs scale-compute on Redis, with workers on several machines");
});
