import { createReadStream } from "node:fs";
import { basename } from "node:path";
import { createInterface } from "node:readline";
import { type App, giveUp, type JobContext, task, type Task } from "../../src/index.ts";
import type { Document } from "./fake-elasticsearch.ts";

export const QUEUE = "bulk";
export const LINES_PER_BATCH = 50;

interface Batch {
  readonly documents: readonly Document[];
}

/**
 * Writes batches to `_bulk`. What it refuses for now is sent again; what it never takes is a dead
 * letter. Both go to a queue of their own: consumers that put into the full queue that they are to
 * empty would wait for each other.
 */
export function bulkWriters(url: string): {
  readonly index: Task<Batch>;
  readonly rest: Task<Batch>;
} {
  const options = { attempts: 10, backoff: { firstMs: 5, maxMs: 50 } };
  const rest = task("rest", { queue: "bulk-rest", ...options }, write);
  const index = task("index", { queue: QUEUE, ...options }, write);
  return { index, rest };

  async function write({ documents }: Batch, context: JobContext): Promise<void> {
    const items = await postBulk(url, documents, context.signal);
    const statusOf = new Map(items.map(({ index: { _id, status } }) => [_id, status]));
    const withStatus = (fits: (status: number) => boolean): Document[] =>
      documents.filter(({ id }) => fits(statusOf.get(id) ?? 503));
    const refused = withStatus((status) => status === 400);
    const later = withStatus((status) => status === 429 || status >= 500);
    if (documents.length === refused.length && documents.length === 1) {
      throw giveUp(`the document ${documents[0]?.id} was refused`);
    }
    if (documents.length === later.length) throw new Error("every document was throttled");
    // Jobs of their own: what is indexed already is not sent again.
    for (const part of [later, ...refused.map((document) => [document])]) {
      const [first] = part;
      if (first !== undefined) {
        await context.enqueue(rest, { documents: part }, { id: `rest-${first.id}` });
      }
    }
  }
}

interface BulkItem {
  readonly index: { readonly _id: string; readonly status: number };
}

/** Sends documents in one request, and answers with what became of each. */
export async function postBulk(
  url: string,
  documents: readonly Document[],
  signal: AbortSignal,
): Promise<readonly BulkItem[]> {
  const lines = documents.flatMap(({ id, ...source }) => [
    JSON.stringify({ index: { _id: id } }),
    JSON.stringify(source),
  ]);
  const response = await fetch(`${url}/_bulk`, {
    method: "POST",
    body: `${lines.join("\n")}\n`,
    signal,
  });
  if (!response.ok) throw new Error(`_bulk answered ${response.status}`);
  return ((await response.json()) as { items: BulkItem[] }).items;
}

/** Reads log files and enqueues their lines in batches. A full queue holds the reading up. */
export class LogReader {
  linesRead = 0;
  readonly #app: App;
  readonly #index: Task<Batch>;

  constructor(app: App, index: Task<Batch>) {
    this.#app = app;
    this.#index = index;
  }

  async read(file: string): Promise<void> {
    const lines = createInterface({ input: createReadStream(file), crlfDelay: Infinity });
    let batch: Document[] = [];
    let number = 0;
    for await (const line of lines) {
      this.linesRead++;
      batch.push(parse(line, `${basename(file)}:${number++}`));
      if (batch.length < LINES_PER_BATCH) continue;
      await this.#enqueue(batch);
      batch = [];
    }
    if (batch.length > 0) await this.#enqueue(batch);
  }

  async #enqueue(documents: readonly Document[]): Promise<void> {
    await this.#app.enqueue(this.#index, { documents }, { waitMs: 60_000 });
  }
}

function parse(line: string, id: string): Document {
  const [level = "", ...words] = line.split(" ");
  return { id, level, message: words.join(" ") };
}
