import { describe, expect, it } from "vitest";
import { open } from "../../src/index.ts";
import { addUp, mapWords, reduceWords } from "./map-reduce-tasks.ts";
import { quietLogger } from "./quiet-logger.ts";
import { SystemFolder } from "./system-folder.ts";

const WORDS = ["queue", "worker", "lease", "store", "token"];
const TEXTS = Array.from({ length: 40 }, (_, n) =>
  Array.from({ length: 500 }, (_word, index) => WORDS[(index * (n + 1)) % WORDS.length]).join(" "),
);

async function aCluster(store: string) {
  return open({
    store,
    tasks: new URL("./map-reduce-tasks.ts", import.meta.url),
    work: { threads: 2 },
    logger: quietLogger,
  });
}

describe("map-reduce", () => {
  it("comes to the same as counting in one place, and its join returns", async () => {
    const app = await aCluster("memory:");

    const mapped = await app.enqueueMany(
      mapWords,
      TEXTS.map((text) => ({ text })),
    );
    const joined = await app.join({ queue: "map", waitMs: 60_000 });
    const parts = await Promise.all(mapped.map((job) => job.result()));
    const reduced = await app.enqueue(reduceWords, { parts });
    const counts = await reduced.result();
    await app.close();

    const expected = addUp(TEXTS.flatMap((text) => text.split(" ").map((word) => ({ [word]: 1 }))));
    expect(counts).toEqual(expected);
    expect(joined).toMatchObject({ done: 40, failed: 0 });
  });

  it("pays one more try for a mapper that crashes its thread, and loses nothing of the run", async () => {
    await using folder = await SystemFolder.make();
    const app = await aCluster(folder.store);
    const inputs = TEXTS.map((text, n) =>
      n % 20 === 7 ? { text, crashMark: folder.file(`crashed-${n}`) } : { text },
    );

    const mapped = await app.enqueueMany(mapWords, inputs);
    const joined = await app.join({ queue: "map", waitMs: 60_000 });
    const losses = await Promise.all(mapped.map(async (job) => (await job.status()).losses));
    const parts = await Promise.all(mapped.map((job) => job.result()));
    await app.close();

    expect(joined).toMatchObject({ done: 40, failed: 0 });
    expect(losses.filter((count) => count > 0)).toEqual([1, 1]);
    expect(Object.values(addUp(parts)).reduce((sum, count) => sum + count, 0)).toBe(40 * 500);
  });
});
