import { writeFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { type App, open } from "../../src/index.ts";
import { FakeElasticsearch, type Trouble } from "./fake-elasticsearch.ts";
import { bulkWriters, LINES_PER_BATCH, LogReader, QUEUE } from "./log-pipeline.ts";
import { quietLogger } from "./quiet-logger.ts";
import { SystemFolder } from "./system-folder.ts";

const CAPACITY = 4;
const CONSUMERS = 2;
const FILES = 3;
const LINES_PER_FILE = 2_020;
const LINES = FILES * LINES_PER_FILE;

/** A pipeline from log files to a search engine, with a queue of four batches in between. */
async function aPipeline(trouble: Trouble = {}, lineOf = (n: number) => `INFO request ${n}`) {
  const folder = await SystemFolder.make();
  const files: string[] = [];
  for (let file = 0; file < FILES; file++) {
    const lines = Array.from({ length: LINES_PER_FILE }, (_, n) => lineOf(n));
    files.push(folder.file(`server-${file}.log`));
    await writeFile(folder.file(`server-${file}.log`), lines.join("\n"));
  }
  const search = await FakeElasticsearch.start(trouble);
  const { index, rest } = bulkWriters(search.url);
  const app: App = await open({
    store: folder.store,
    tasks: [index, rest],
    work: { loop: CONSUMERS },
    queues: { [QUEUE]: { capacity: CAPACITY, waitersMax: 10 } },
    logger: quietLogger,
  });
  const reader = new LogReader(app, index);
  const run = async (): ReturnType<App["join"]> => {
    await Promise.all(files.map((file) => reader.read(file)));
    return app.join({ waitMs: 60_000 });
  };
  const dispose = async (): Promise<void> => {
    await app.close({ graceMs: 0 });
    await search[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  };
  return { app, search, reader, run, [Symbol.asyncDispose]: dispose };
}

/** Lines that may be on their way at most: in the queue, with the consumers, and in each reader's hands. */
const LINES_UNDER_WAY_MAX = (CAPACITY + CONSUMERS + FILES) * LINES_PER_BATCH;

describe("the log pipeline", () => {
  it("indexes every line exactly once, and its join ends", async () => {
    await using pipeline = await aPipeline();

    const { failed } = await pipeline.run();

    expect(pipeline.search.documents.size).toBe(LINES);
    expect(pipeline.search.repeatedCount).toBe(0);
    expect(failed).toBe(0);
  });

  it("never holds more jobs than its capacity", async () => {
    await using pipeline = await aPipeline();
    const { app, search } = pipeline;
    let waitingMax = 0;
    search.onRequest = () => {
      void app.queues().then(([queue]) => {
        const { ready = 0, scheduled = 0 } = queue?.counts ?? {};
        waitingMax = Math.max(waitingMax, ready + scheduled);
      });
    };

    await pipeline.run();

    expect(waitingMax).toBeGreaterThan(0);
    expect(waitingMax).toBeLessThanOrEqual(CAPACITY);
  });

  it("stops reading while the search engine does not answer, and goes on afterwards", async () => {
    await using pipeline = await aPipeline();
    const { app, search, reader } = pipeline;
    const answer = Promise.withResolvers<void>();
    search.gate = answer.promise;
    const run = pipeline.run();
    await expect
      .poll(async () => (await app.waits()).filter(({ name }) => name.includes("enqueue")).length)
      .toBeGreaterThan(0);
    await expect.poll(async () => (await app.queues())[0]?.counts.ready).toBe(CAPACITY);
    const readWhileStopped = reader.linesRead;

    answer.resolve();
    await run;

    expect(readWhileStopped).toBeLessThanOrEqual(LINES_UNDER_WAY_MAX);
    expect(search.documents.size).toBe(LINES);
  });

  it("sends again what was throttled, and only that", async () => {
    await using pipeline = await aPipeline({ throttleEach: 7 });

    const { failed } = await pipeline.run();

    expect(pipeline.search.documents.size).toBe(LINES);
    expect(pipeline.search.repeatedCount).toBe(0);
    expect(failed).toBe(0);
  });

  it("tries requests again that fail as a whole", async () => {
    await using pipeline = await aPipeline({ refuseRequests: 8 });

    const { failed } = await pipeline.run();

    expect(pipeline.search.documents.size).toBe(LINES);
    expect(pipeline.search.requestCount).toBeGreaterThanOrEqual(LINES / LINES_PER_BATCH + 8);
    expect(failed).toBe(0);
  });

  it("puts each line that can never be indexed into the dead letters, and indexes the others", async () => {
    const isCorrupt = (n: number): boolean => n % 1_000 === 13;
    await using pipeline = await aPipeline({}, (n) =>
      isCorrupt(n) ? `\u0000\u0001 garbage ${n}` : `INFO request ${n}`,
    );
    const corruptCount = FILES * 3;

    const { failed } = await pipeline.run();

    expect(failed).toBe(corruptCount);
    expect(pipeline.search.documents.size).toBe(LINES - corruptCount);
    const dead = await pipeline.app.jobs({ state: "dead" });
    expect(dead.map(({ id }) => id)).toContain("rest-server-0.log:13");
    expect(dead[0]?.error?.message).toContain("was refused");
  });
});
