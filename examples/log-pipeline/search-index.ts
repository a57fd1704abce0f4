/** Every so many documents one is refused for now, the first time that it comes. */
const THROTTLE_EACH = 9;
/** Every so many requests one is refused as a whole. */
const REFUSE_EACH = 7;

/** One document's part of the answer to a `_bulk` request, in Elasticsearch's format. */
export interface BulkItem {
  readonly index: { readonly _id: string; readonly status: number };
}

/** As much of a search server's index as a log pipeline meets, with its moods. */
export class SearchIndex {
  /** Documents that came again although they were indexed. */
  repeatedCount = 0;
  readonly #indexed = new Set<string>();
  readonly #throttled = new Set<string>();
  #requestCount = 0;
  #documentCount = 0;

  get indexedCount(): number {
    return this.#indexed.size;
  }

  /** What became of each document of a request; `undefined` when it was not even read. */
  bulk(body: string): readonly BulkItem[] | undefined {
    if (++this.#requestCount % REFUSE_EACH === 0) return undefined;
    const lines = body.split("\n").filter((line) => line !== "");
    const heads = lines.filter((_, n) => n % 2 === 0);
    return heads.map((head, n) => {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the pipeline beside this file sends it.
      const { _id } = (JSON.parse(head) as { readonly index: { readonly _id: string } }).index;
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as above.
      const { level } = JSON.parse(lines[2 * n + 1] ?? "{}") as { readonly level?: string };
      return { index: { _id, status: this.#index(_id, level) } };
    });
  }

  /** The status of one document. */
  #index(id: string, level = ""): number {
    if (!/^[A-Z]+$/.test(level)) return 400;
    if (++this.#documentCount % THROTTLE_EACH === 0 && !this.#throttled.has(id)) {
      this.#throttled.add(id);
      return 429;
    }
    if (this.#indexed.has(id)) this.repeatedCount++;
    this.#indexed.add(id);
    return 201;
  }
}
