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

/** Writes batches to `_bulk`. What it refuses for now is sent again; what it never takes is a dead letter. */
export function bulkWriter(url: string): Task<Batch, number> {
  return task(
    "index",
    { queue: QUEUE, attempts: 10, backoff: { firstMs: 5, maxMs: 50 } },
    async ({ documents }: Batch, context) => {
      const items = await postBulk(url, documents, context.signal);
      const statusOf = new Map(items.map(({ index }) => [index._id, index.status]));
      const withStatus = (fits: (status: number) => boolean): Document[] =>
        documents.filter(({ _id }) => fits(statusOf.get(_id) ?? 503));
      const refused = withStatus((status) => status === 400);
      if (refused.length > 0) await bury(refused, documents, context);
      const later = withStatus((status) => status === 429 || status >= 500);
      // A batch of its own: what is indexed already is not sent again.
      if (later.length > 0) await again(later, documents, context);
      return documents.length - later.length - refused.length;
    },
  );
}

interface BulkItem {
  readonly index: { readonly _id: string; readonly status: number };
}

async function postBulk(
  url: string,
  documents: readonly Document[],
  signal: AbortSignal,
): Promise<readonly BulkItem[]> {
  const lines = documents.flatMap(({ _id, ...source }) => [
    JSON.stringify({ index: { _id } }),
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

/** One job for what is to be tried later. Alone, the attempt itself is tried again. */
async function again(
  later: readonly Document[],
  all: readonly Document[],
  context: JobContext,
): Promise<void> {
  if (later.length === all.length) throw new Error("every document was throttled");
  await context.enqueue(
    { name: "index" },
    { documents: later },
    { id: `again-${later[0]?._id}`, delayMs: 1 },
  );
}

/** Each document that cannot be indexed becomes a dead letter of its own. */
async function bury(
  refused: readonly Document[],
  all: readonly Document[],
  context: JobContext,
): Promise<void> {
  if (all.length === 1) throw giveUp(`the document ${all[0]?._id} was refused`);
  for (const document of refused) {
    await context.enqueue(
      { name: "index" },
      { documents: [document] },
      { id: `refused-${document._id}` },
    );
  }
}

/** Reads log files and enqueues their lines in batches. A full queue holds the reading up. */
export class LogReader {
  linesRead = 0;
  readonly #app: App;
  readonly #index: Task<Batch, number>;

  constructor(app: App, index: Task<Batch, number>) {
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

function parse(line: string, _id: string): Document {
  const [level = "", ...words] = line.split(" ");
  return { _id, level, message: words.join(" ") };
}
