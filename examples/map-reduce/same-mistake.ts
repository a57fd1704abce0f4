/** The mistake of broken.ts on unjam: one text kills every thread that maps it. The run ends, and says which. */
import { isUnjamError, open } from "unjam";
import { map } from "./tasks.ts";
import { TEXTS } from "./texts.ts";

const app = await open({
  store: "memory:",
  tasks: new URL("./tasks.ts", import.meta.url),
  work: { threads: 2 },
});

const mapped = await app.enqueueMany(
  map,
  TEXTS.map((text, n) => ({ text, killsThreads: n === 7 ? 1_000 : 0 })),
);
try {
  await Promise.all(mapped.map((job) => job.result({ waitMs: 30_000 })));
} catch (error) {
  if (!isUnjamError(error)) throw error;
  console.error(`${error.code}: ${error.message}`);
  process.exitCode = error.exitCode;
}
const { done, failed } = await app.join({ queue: "map", waitMs: 30_000 });
await app.close();
console.log(`${done} texts mapped, ${failed} failed`);
