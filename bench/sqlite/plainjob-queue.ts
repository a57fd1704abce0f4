import { join } from "node:path";
import Database from "better-sqlite3";
import { better, defineQueue, type Queue } from "plainjob";

/** Only what goes wrong is worth a line; formatting debug lines would be measured with the queue. */
export const quietLogger = {
  debug: (): void => {},
  info: (): void => {},
  warn: (): void => {},
  error: (message: string): void => void process.stderr.write(`${message}\n`),
};

/**
 * A queue in `folder` as its README sets it up: WAL and synchronous NORMAL, where a power cut may
 * take the last commits. FULL makes it as durable as unjam, after the queue has set its own.
 */
export function plainjobQueue(folder: string, synchronous: string): Queue {
  const connection = better(new Database(join(folder, "jobs.db")));
  const queue = defineQueue({ connection, logger: quietLogger });
  if (synchronous === "FULL") connection.pragma("synchronous = FULL");
  return queue;
}
