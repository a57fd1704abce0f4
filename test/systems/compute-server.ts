import { type App, isUnjamError } from "../../src/index.ts";
import { compute, scaleCompute } from "./compute-tasks.ts";
import { type Answer, type Call, HttpService } from "./http-service.ts";

/** The compute API: each order is a job, and each job has an address to ask. */
export async function startComputeServer(app: App): Promise<HttpService> {
  return HttpService.start(async (call) => {
    try {
      return await answer(app, call);
    } catch (error) {
      if (!isUnjamError(error)) throw error;
      const { code, message, httpStatus } = error;
      return { status: httpStatus, body: { error: code, message } };
    }
  });
}

async function answer(app: App, { method, path, body }: Call): Promise<Answer> {
  const route = `${method} ${path}`;
  if (route === "GET /api/v1/health") return { status: 200, body: { status: "healthy" } };
  if (method === "GET" && path.startsWith("/api/v1/jobs/")) {
    return readJob(app, path.slice("/api/v1/jobs/".length));
  }
  const task = { "POST /api/v1/compute": compute, "POST /api/v1/scale-compute": scaleCompute }[
    route
  ];
  if (task === undefined) return { status: 404, body: { error: "NOT_FOUND" } };
  const job = await app.enqueue(task, JSON.parse(body) as { below: number }, { waitMs: 1_000 });
  const url = `/api/v1/jobs/${job.id}`;
  return { status: 202, body: { id: job.id, url }, headers: { location: url } };
}

async function readJob(app: App, job: string): Promise<Answer> {
  const { id, state, progress, attempt, ...rest } = await app.job(job).status();
  const { result, error } = rest;
  return {
    status: 200,
    body: {
      ...{ id, state, attempt },
      // What a handler reports just before it returns is not always written.
      progress: state === "done" ? 1 : (progress ?? 0),
      ...(result === undefined ? {} : { result }),
      ...(error === undefined ? {} : { error }),
    },
  };
}
