import { type Narrator, narrate } from "../narrator.ts";
import { ClassicQueue } from "./classic-queue.ts";
import { IMAGES, resize } from "./images.ts";

const CONSUMERS = 2;

async function consume(queue: ClassicQueue<string>, narrator: Narrator): Promise<never> {
  for (;;) {
    const image = await queue.get();
    await resize(image);
    narrator.done(image);
    queue.taskDone();
  }
}

await narrate(IMAGES.length, async (narrator) => {
  const queue = new ClassicQueue<string>();
  for (let n = 1; n <= CONSUMERS; n++) {
    // The crash is logged, as it would be anywhere. It helps nobody who waits.
    consume(queue, narrator).catch((error: unknown) =>
      narrator.say(`consumer ${n} crashed: ${String(error)}`),
    );
  }
  for (const image of IMAGES) queue.put(image);
  await narrator.waitFor("join()", queue.join(), () => {
    return `${queue.size} in the queue, ${queue.unfinished} unfinished`;
  });
  return "join() returned";
});
