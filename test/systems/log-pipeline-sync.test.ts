import { describe, expect, it } from "vitest";
import { isUnjamError, JoinableQueue } from "../../src/sync/index.ts";
import { type Document, FakeElasticsearch } from "./fake-elasticsearch.ts";
import { LINES_PER_BATCH, postBulk } from "./log-pipeline.ts";
import { quietLogger } from "./quiet-logger.ts";

type Batch = readonly Document[];

const BATCHES = 40;

/** Batches of log lines; the levels of some lines are garbage. */
function aLog(isCorrupt: (batch: number, line: number) => boolean = () => false): Batch[] {
  return Array.from({ length: BATCHES }, (_, batch) =>
    Array.from({ length: LINES_PER_BATCH }, (_line, line) => ({
      id: `${batch}:${line}`,
      level: isCorrupt(batch, line) ? "\u0000" : "INFO",
      message: `request ${line}`,
    })),
  );
}

function aQueue(capacity: number): JoinableQueue<Batch> {
  const describeBatch = (batch: Batch): string => `the batch of ${batch[0]?.id}`;
  return new JoinableQueue<Batch>({
    ...{ name: "bulk", capacity, waitersMax: BATCHES, logger: quietLogger },
    ...{ describe: describeBatch, diagnostics: "full" },
  });
}

/** Writes a batch, and answers with the documents that got this status. */
async function write(
  { url }: FakeElasticsearch,
  batch: Batch,
  status: number,
): Promise<readonly Document[]> {
  const items = await postBulk(url, batch, AbortSignal.timeout(60_000));
  const hit = new Set(
    items.flatMap(({ index: { _id: id, status: got } }) => (got === status ? [id] : [])),
  );
  return batch.filter(({ id }) => hit.has(id));
}

describe("the log pipeline in JoinableQueue form (unjam/sync)", () => {
  it("does not hang its join() on a consumer without taskDone(): a throw settles the batch", async () => {
    await using search = await FakeElasticsearch.start();
    const queue = aQueue(4);
    const consume = async (batch: Batch): Promise<void> => {
      const [refused] = await write(search, batch, 400);
      if (refused !== undefined) throw new Error(`${refused.id} is no log line`);
    };
    queue.consume(consume, { concurrency: 2 });

    for (const batch of aLog((n, line) => n % 20 === 7 && line === 3)) await queue.put(batch);
    const { done, failed, errors } = await queue.join({ waitMs: 60_000 });
    queue.close();

    expect({ done, failed }).toEqual({ done: BATCHES - 2, failed: 2 });
    expect(errors.map(({ error }) => String(error))).toContain("Error: 7:3 is no log line");
    expect(search.documents.size).toBe(BATCHES * LINES_PER_BATCH - 2);
  });

  it("does not hang on a lease that its holder forgot: the join ends, and names who holds what", async () => {
    const queue = aQueue(4);
    const [first = [], second = []] = aLog();
    await queue.put(first);
    await queue.put(second);
    const forgotten = await queue.get();
    const settled = await queue.get();
    settled.done();

    const joining = queue.join({ waitMs: 50 });

    await expect(joining).rejects.toMatchObject({
      code: "UNJAM_JOIN_TIMEOUT",
      details: {
        unfinishedCount: 1,
        unfinished: [
          {
            task: "the batch of 0:0",
            holder: "a lease",
            site: expect.stringMatching(/^log-pipeline-sync\.test\.ts:\d+/) as string,
          },
        ],
      },
    });
    forgotten.done();
  });

  it("names the cycle when its consumers put into their own full queue (UNJAM_DEADLOCK)", async () => {
    await using search = await FakeElasticsearch.start({ throttleEach: 1 });
    const queue = aQueue(2);
    async function sendAgain(batch: Batch): Promise<void> {
      const throttled = await write(search, batch, 429);
      if (throttled.length > 0) await queue.put(throttled, { waitMs: 100 });
    }
    queue.consume(sendAgain, { concurrency: 2, name: "writers" });

    await Promise.all(aLog().map((batch) => queue.put(batch)));
    const { done, failed, errors } = await queue.join({ waitMs: 60_000 });
    queue.close();

    const deadlocks = errors.flatMap(({ error }) =>
      isUnjamError(error, "UNJAM_DEADLOCK") ? [error.details.cycle] : [],
    );
    expect(deadlocks.length).toBeGreaterThan(0);
    const [cycle = []] = deadlocks;
    for (const edge of cycle) {
      expect(edge).toMatchObject({
        flow: expect.stringMatching(/^writers#[12]$/) as string,
        holds: 'an item of queue "bulk"',
        holdSiteKind: "per loop",
        waitsFor: 'room in queue "bulk"',
        waitSite: expect.stringMatching(/^log-pipeline-sync\.test\.ts:\d+ in sendAgain$/) as string,
      });
    }
    expect(cycle.length).toBeGreaterThan(0);
    // What was refused failed and is known by name; the rest was indexed, and nothing twice.
    expect(failed).toBeGreaterThan(0);
    expect(done).toBeGreaterThan(0);
    expect(search.repeatedCount).toBe(0);
  });
});
