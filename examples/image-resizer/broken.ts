/** The same on a counted queue. A corrupt photo ends its resizer before taskDone(): join() hangs. */
import { CountedQueue } from "../producer-consumer/counted-queue.ts";
import { type Photo, resize, surge } from "./photos.ts";

const WAIT_MS = 3_000;
const RESIZERS = 3;

const photos = new CountedQueue<Photo>();

async function work(): Promise<never> {
  for (;;) {
    const photo = await photos.get();
    await resize(photo);
    photos.taskDone();
  }
}

for (let n = 1; n <= RESIZERS; n++) {
  work().catch((error: unknown) => console.error(`resizer ${n} died: ${String(error)}`));
}
for (const photo of await surge()) photos.put(photo);

setTimeout(() => {
  console.error(`still waiting for join() after ${WAIT_MS} ms: ${photos.unfinished} unfinished`);
  process.exit(1);
}, WAIT_MS);
await photos.join();
console.log("all photos made");
process.exit();
