/** The mistake of broken.ts on unjam: when the last writer has died, the readers are told at once. */
import { isUnjamError, JoinableQueue } from "unjam/sync";
import { postBulk } from "./bulk.ts";
import { type Document, readLog, writeLogs } from "./log-files.ts";
import { serveSearch } from "./search-server.ts";

const CAPACITY = 200;
const WRITERS = 3;

const lines = new JoinableQueue<Document>({ name: "lines", capacity: CAPACITY });

async function read(file: string): Promise<void> {
  for await (const document of readLog(file)) await lines.put(document);
}

const search = await serveSearch();
const logs = await writeLogs();

async function write(document: Document): Promise<void> {
  const status = (await postBulk(search.url, [document]))(document);
  if (status > 299) throw new Error(`${document.id}: the search server answered ${status}`);
}

for (let n = 1; n <= WRITERS; n++) {
  lines.consume(write, { name: `writer-${n}`, restarts: { max: 0 } });
}
try {
  await Promise.all(logs.files.map(read));
} catch (error) {
  if (!isUnjamError(error, "UNJAM_NO_CONSUMER")) throw error;
  console.error(`${error.code}: ${error.message}`);
  process.exitCode = error.exitCode;
} finally {
  await search[Symbol.asyncDispose]();
  await logs[Symbol.asyncDispose]();
}
