import { type Command, defineCommand, EXIT, STORE_FLAG } from "../command.ts";
import { knownQueue } from "../known-queue.ts";
import { sameStore, withApp } from "../opened-app.ts";

const FLAGS = { store: STORE_FLAG } as const;

export const queuesResume: Command = defineCommand<typeof FLAGS>({
  name: "queues resume",
  summary: "let workers take jobs from a paused queue again",
  args: [{ name: "queue", about: "the name of the queue", count: "one" }],
  flags: FLAGS,
  examples: ["queues resume images"],
  errors: ["UNJAM_QUEUE_NAME_INVALID", "UNJAM_STORE_MISSING"],

  async run(context) {
    const { words, screen } = context;
    const [queue = ""] = words;
    await withApp(context, { mustExist: true }, async (app) => {
      await knownQueue(app, queue, "unjam queues resume");
      await app.resume(queue);
    });
    screen.show({ queue, paused: false }, [`${queue} is open`]);
    screen.next(`unjam queues${sameStore(context)}`);
    return EXIT.ok;
  },
});
