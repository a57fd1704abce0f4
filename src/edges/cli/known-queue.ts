import type { App } from "../../client/app.ts";
import { invalid, readQueueName } from "../../core/options.ts";

/**
 * Refuses a queue that is not there. The store would make it, and a mistyped name would then look
 * as if it had been paused.
 * @throws UNJAM_QUEUE_NAME_INVALID, UNJAM_INVALID_OPTION
 */
export async function knownQueue(app: App, name: string, where: string): Promise<void> {
  const queue = readQueueName(name, "<queue>", where);
  const known = (await app.queues()).map((each) => each.name);
  if (known.includes(queue)) return;
  const expected = known.length === 0 ? "a queue of this store, which has none" : known.join(", ");
  throw invalid("<queue>", where, known.length === 1 ? expected : `one of ${expected}`, queue);
}
