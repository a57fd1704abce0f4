import type { Document } from "./log-files.ts";
import type { BulkItem } from "./search-index.ts";

/** What became of one document: 2xx indexed, 400 never, 429 and 5xx not now. */
export type StatusOf = (document: Document) => number;

/** Sends documents in one request. @throws when there is no answer to any of them */
export async function postBulk(url: string, documents: readonly Document[]): Promise<StatusOf> {
  const lines = documents.flatMap(({ id, ...source }) => [
    JSON.stringify({ index: { _id: id } }),
    JSON.stringify(source),
  ]);
  const response = await fetch(`${url}/_bulk`, {
    method: "POST",
    body: `${lines.join("\n")}\n`,
    signal: AbortSignal.timeout(5_000),
  });
  if (!response.ok) throw new Error(`_bulk answered ${response.status}`);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the format of Elasticsearch.
  const { items } = (await response.json()) as { readonly items: readonly BulkItem[] };
  const statuses = new Map(items.map(({ index: { _id, status } }) => [_id, status]));
  return ({ id }) => statuses.get(id) ?? 503;
}
