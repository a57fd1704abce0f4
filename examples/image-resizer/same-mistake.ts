/** The mistake of broken.ts on unjam: resizers that a corrupt photo ends. join() says so at once. */
import { isUnjamError, JoinableQueue } from "unjam/sync";
import { type Photo, resize, surge } from "./photos.ts";

const RESIZERS = 3;

const photos = new JoinableQueue<Photo>({ name: "photos", describe: ({ name }) => name });
for (let n = 1; n <= RESIZERS; n++) {
  photos.consume(resize, { name: `resizer-${n}`, restarts: { max: 0 } });
}
for (const photo of await surge()) await photos.put(photo);

try {
  await photos.join({ waitMs: 30_000 });
} catch (error) {
  if (!isUnjamError(error, "UNJAM_NO_CONSUMER")) throw error;
  console.error(`${error.code}: ${error.message}`);
  console.error(`  ${photos.size} photos wait for somebody who takes them`);
  process.exitCode = error.exitCode;
}
