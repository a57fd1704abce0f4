import { join } from "node:path";
import { open } from "unjam";
import type { OpenBackend } from "./backend.ts";
import { hash } from "./health-tasks.ts";

/** Past any wait that the suite can cause; the run's own deadline is shorter. */
const RESULT_MS_MAX = 120_000;

/** Default options, durable store: the request is answered when the job is on disk. */
export const openBackend: OpenBackend = async ({ links, folder, onDone, onFailed }) => {
  const app = await open({
    store: `sqlite:${join(folder, "jobs.db")}`,
    tasks: new URL("health-tasks.ts", import.meta.url),
  });
  const submit = async (count: number): Promise<{ readonly result: Promise<unknown> }> => {
    const job = await app.enqueue(hash, { links: count });
    return { result: job.result({ waitMs: RESULT_MS_MAX }) };
  };
  for (const { result } of await Promise.all([submit(1), submit(1)])) await result;
  return {
    accept: async (): Promise<void> => {
      const { result } = await submit(links);
      result.then(onDone).catch(onFailed);
    },
  };
};
