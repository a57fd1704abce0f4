/**
 * The same with a bounded queue in the classic form. The first line that the server refuses ends its
 * writer; with the last writer the queue fills, and the readers wait for room for ever.
 */
import { BoundedQueue } from "../crawler/bounded-queue.ts";
import { postBulk } from "./bulk.ts";
import { type Document, readLog, writeLogs } from "./log-files.ts";
import { serveSearch } from "./search-server.ts";

const WAIT_MS = 3_000;
const CAPACITY = 200;
const WRITERS = 3;
const BULK_MAX = 50;

const lines = new BoundedQueue<Document>(CAPACITY);

async function read(file: string): Promise<void> {
  for await (const document of readLog(file)) await lines.put(document);
}

async function write(url: string): Promise<never> {
  for (;;) {
    const bulk = [await lines.get()];
    while (bulk.length < BULK_MAX && lines.size > 0) bulk.push(await lines.get());
    const statusOf = await postBulk(url, bulk);
    for (const document of bulk) {
      const status = statusOf(document);
      if (status > 299) throw new Error(`${document.id}: the search server answered ${status}`);
    }
  }
}

const search = await serveSearch();
const logs = await writeLogs();
for (let n = 1; n <= WRITERS; n++) {
  write(search.url).catch((error: unknown) => console.error(`writer ${n} died: ${String(error)}`));
}
setTimeout(() => {
  const state = `${lines.size} lines in the queue, ${lines.putters} readers wait for room`;
  console.error(`still reading after ${WAIT_MS} ms: ${state}`);
  void logs[Symbol.asyncDispose]().then(() => process.exit(1));
}, WAIT_MS);
await Promise.all(logs.files.map(read));
console.log("all lines read");
