/** A surge of photos, some of them corrupt: each is made or failed, and join() knows how many. */
import { isUnjamError, JoinableQueue } from "unjam/sync";
import { type Photo, resize, surge } from "./photos.ts";

const RESIZERS = 3;

const photos = new JoinableQueue<Photo>({
  name: "photos",
  capacity: 8,
  describe: ({ name }) => name,
});
const sizes = new Map<string, number>();

/** Takes photos until the queue is closed and empty. */
async function work(): Promise<void> {
  try {
    for (;;) await resizeNext();
  } catch (error) {
    if (!isUnjamError(error, "UNJAM_QUEUE_CLOSED")) throw error;
  }
}

async function resizeNext(): Promise<void> {
  const lease = await photos.get();
  try {
    const size = await resize(lease.value);
    sizes.set(size, (sizes.get(size) ?? 0) + 1);
    lease.done();
  } catch (error) {
    // The photo is to blame, not the one who holds it: the next is waiting.
    lease.fail(error);
  }
}

const resizers = Array.from({ length: RESIZERS }, work);
for (const photo of await surge()) await photos.put(photo);
const { done, failed, errors } = await photos.join({ waitMs: 30_000 });
photos.close();
await Promise.all(resizers);

console.log(`${done} photos made, ${failed} failed`);
for (const [size, count] of sizes) console.log(`  ${count} of ${size}`);
for (const { value, error } of errors) console.log(`  ${value}: ${String(error)}`);
