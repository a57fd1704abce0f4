/** Counts words on threads. One thread dies in the middle, which costs a retry and not the run. */
import { open } from "unjam";
import { map, reduce } from "./tasks.ts";
import { TEXTS } from "./texts.ts";

const app = await open({
  store: "memory:",
  tasks: new URL("./tasks.ts", import.meta.url),
  work: { threads: 2 },
});

const mapped = await app.enqueueMany(
  map,
  TEXTS.map((text, n) => ({ text, killsThreads: n === 7 ? 1 : 0 })),
);
const { done, failed } = await app.join({ queue: "map", waitMs: 30_000 });
const parts = await Promise.all(mapped.map((job) => job.result()));
const total = await (await app.enqueue(reduce, parts)).result();
const states = await Promise.all(mapped.map((job) => job.status()));
await app.close();

const losses = states.reduce((sum, state) => sum + state.losses, 0);
console.log(`${done} texts mapped, ${failed} failed, ${losses} thread lost`);
for (const [word, count] of Object.entries(total)) console.log(`  ${word} ${count}`);
