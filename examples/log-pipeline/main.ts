/**
 * Two readers parse log files, three writers send the lines in bulk to a search server that refuses
 * some of them, for now or for good. Memory stays small, and every line is accounted for.
 */
import { setTimeout as pause } from "node:timers/promises";
import { isUnjamError, JoinableQueue, type Lease } from "unjam/sync";
import { postBulk, type StatusOf } from "./bulk.ts";
import { type Document, readLog, writeLogs } from "./log-files.ts";
import { serveSearch } from "./search-server.ts";

const CAPACITY = 200;
const WRITERS = 3;
const BULK_MAX = 50;
const TRIES_MAX = 5;
const RETRY_MS = 10;

/** A document on its way, and how often the server refused it for now. */
interface Line {
  readonly document: Document;
  triesCount: number;
}

const lines = new JoinableQueue<Line>({
  name: "lines",
  capacity: CAPACITY,
  describe: ({ document }) => document.id,
});
let unfinishedMax = 0;

async function read(file: string): Promise<void> {
  for await (const document of readLog(file)) {
    // While the queue is full this waits, and the file is read no further.
    await lines.put({ document, triesCount: 0 });
    unfinishedMax = Math.max(unfinishedMax, lines.unfinished);
  }
}

/** Writes until the queue is closed and everything in it is settled. */
async function write(url: string): Promise<void> {
  try {
    for (;;) await writeBulk(url, await takeBulk());
  } catch (error) {
    if (!isUnjamError(error, "UNJAM_QUEUE_CLOSED")) throw error;
  }
}

/** Waits for one line, and takes what there is besides. */
async function takeBulk(): Promise<readonly Lease<Line>[]> {
  const bulk = [await lines.get()];
  while (bulk.length < BULK_MAX) {
    const lease = lines.tryGet();
    if (lease === undefined) break;
    bulk.push(lease);
  }
  return bulk;
}

async function writeBulk(url: string, bulk: readonly Lease<Line>[]): Promise<void> {
  const documents = bulk.map(({ value }) => value.document);
  // A request that failed says nothing about its documents: all of them come again.
  const statusOf: StatusOf = await postBulk(url, documents).catch(() => () => 503);
  const settled = bulk.map((lease) => settle(lease, statusOf(lease.value.document)));
  if (settled.includes("later")) await pause(RETRY_MS);
}

/** Each line by itself: what is indexed is not sent again with what is not. */
function settle(lease: Lease<Line>, status: number): "now" | "later" {
  const { value } = lease;
  if (status < 300) {
    lease.done();
  } else if (status === 400 || ++value.triesCount === TRIES_MAX) {
    lease.fail(new Error(`the search server answered ${status}`));
  } else {
    lease.putBack();
    return "later";
  }
  return "now";
}

const search = await serveSearch();
const logs = await writeLogs();
const writers = Array.from({ length: WRITERS }, () => write(search.url));
await Promise.all(logs.files.map(read));
const { done, failed, errors } = await lines.join({ waitMs: 30_000 });
lines.close();
await Promise.all(writers);
await search[Symbol.asyncDispose]();
await logs[Symbol.asyncDispose]();

console.log(`${done} lines indexed, ${failed} refused, ${search.index.repeatedCount} sent twice`);
console.log(`the server has ${search.index.indexedCount}; at most ${unfinishedMax} were in memory`);
for (const { value, error } of errors) console.log(`  ${value}: ${String(error)}`);
