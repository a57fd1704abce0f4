import type { App } from "./app.ts";
import type { OpenOptions } from "./open-options.ts";

/**
 * Opens a store and starts to work on it. The process stays alive until `app.close()`.
 *
 * @throws UNJAM_UNKNOWN_OPTION, UNJAM_INVALID_OPTION, UNJAM_QUEUE_NAME_INVALID,
 *   UNJAM_STORE_… (what is wrong with the store), UNJAM_TASK_… (what is wrong with a task or its
 *   module), UNJAM_OPEN_IN_JOB_THREAD, UNJAM_THREAD_ENTRY_MISSING, UNJAM_NODE_TOO_OLD
 *
 * @example
 * import { open, task } from "unjam";
 * const mail = task("mail", { attempts: 3 }, async (input: { to: string }) => `sent to ${input.to}`);
 * const app = await open({ store: "memory:", tasks: [mail] });
 * try {
 *   const job = await app.enqueue(mail, { to: "ada@example.org" });
 *   console.log(await job.result({ waitMs: 5_000 }));
 * } finally {
 *   await app.close();
 * }
 */
export async function open(options?: OpenOptions): Promise<App> {
  // Read only now: a job thread imports this package for its tasks, and opens nothing.
  const { openApp } = await import("./open-app.ts");
  return openApp(options);
}
