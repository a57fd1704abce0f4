import { task, type Task } from "../../src/index.ts";
import { crashOnce } from "./mark-file.ts";

/** `by` times one more, for the counter of this name. */
export interface Increment {
  readonly name: string;
  readonly by: number;
}

/** What a sender has to count, in how many messages, under which name. */
interface Count {
  readonly sender: string;
  readonly name: string;
  readonly total: number;
  readonly perMessage: number;
  /** The sender's thread dies in the middle, unless this file says that it did so before. */
  readonly crashMark?: string;
}

/** The message to the one owner of the counters; its handler is in the program that owns them. */
export const increment: Task<Increment> = task("increment", { queue: "counters" });

/** A thread that counts: it has no counter, and sends what it counted to the owner. */
export const count: Task<Count> = task(
  "count",
  { queue: "counting", runs: "thread" },
  async ({ sender, name, total, perMessage, crashMark }: Count, context) => {
    const messages = total / perMessage;
    for (let message = 0; message < messages; message++) {
      if (crashMark !== undefined && message * 2 === messages) crashOnce(crashMark);
      let by = 0;
      for (let step = 0; step < perMessage; step++) by++;
      // The id makes a message that is sent again after a crash the same message.
      await context.enqueue(increment, { name, by }, { id: `${sender}-${message}` });
    }
  },
);
