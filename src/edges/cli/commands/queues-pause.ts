import { type Command, defineCommand, EXIT, STORE_FLAG } from "../command.ts";
import { knownQueue } from "../known-queue.ts";
import { sameStore, withApp } from "../opened-app.ts";

const FLAGS = { store: STORE_FLAG } as const;

export const queuesPause: Command = defineCommand<typeof FLAGS>({
  name: "queues pause",
  summary: "let nobody take jobs from a queue; running ones go on",
  args: [{ name: "queue", about: "the name of the queue", count: "one" }],
  flags: FLAGS,
  examples: ["queues pause images"],
  errors: ["UNJAM_QUEUE_NAME_INVALID", "UNJAM_STORE_MISSING"],

  async run(context) {
    const { words, screen } = context;
    const [queue = ""] = words;
    await withApp(context, { mustExist: true }, async (app) => {
      await knownQueue(app, queue, "unjam queues pause");
      await app.pause(queue);
    });
    screen.show({ queue, paused: true }, [`${queue} is paused`]);
    screen.next(`unjam queues resume ${queue}${sameStore(context)}`);
    return EXIT.ok;
  },
});
