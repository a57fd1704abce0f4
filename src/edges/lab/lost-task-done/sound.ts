import { JoinableQueue } from "../../../sync/index.ts";
import { narrate } from "../narrator.ts";
import { IMAGES, resize } from "./images.ts";

const CONSUMERS = 2;

await narrate(IMAGES.length, async (narrator) => {
  const queue = new JoinableQueue<string>({ name: "images" });
  const onError = (error: unknown): void => narrator.failed(String(error));
  queue.consume(
    async (image) => {
      await resize(image);
      narrator.done(image);
    },
    { concurrency: CONSUMERS, onError },
  );
  for (const image of IMAGES) await queue.put(image);
  const { done, failed } = await narrator.waitFor("join()", queue.join());
  return `join() returned: ${done} done, ${failed} failed`;
});
