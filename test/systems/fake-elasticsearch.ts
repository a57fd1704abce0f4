import { type Answer, type Call, HttpService } from "./http-service.ts";

export interface Document {
  readonly id: string;
  readonly level: string;
  readonly message: string;
}

/** How the next requests go wrong. */
export interface Trouble {
  /** Whole requests that are answered 503 before anything is read. */
  readonly refuseRequests?: number;
  /** Each nth document is refused with 429 the first time it comes. */
  readonly throttleEach?: number;
}

/** As much of Elasticsearch's `_bulk` as a log pipeline meets, with trouble on demand. */
export class FakeElasticsearch implements AsyncDisposable {
  readonly documents: Map<string, Document> = new Map();
  /** Documents that came again although they were indexed already. */
  repeatedCount = 0;
  requestCount = 0;
  /** Requests wait for this before they are answered. */
  gate: Promise<void> = Promise.resolve();
  /** Called when a request has arrived. */
  onRequest: () => void = (): void => undefined;
  #trouble: Required<Trouble>;
  readonly #throttled = new Set<string>();
  #seen = 0;
  #service: HttpService | undefined;

  private constructor({ refuseRequests = 0, throttleEach = 0 }: Trouble) {
    this.#trouble = { refuseRequests, throttleEach };
  }

  static async start(trouble: Trouble = {}): Promise<FakeElasticsearch> {
    const fake = new FakeElasticsearch(trouble);
    fake.#service = await HttpService.start((call) => fake.#bulk(call));
    return fake;
  }

  get url(): string {
    return this.#service?.url ?? "";
  }

  async #bulk({ path, body }: Call): Promise<Answer> {
    if (path !== "/_bulk") return { status: 404, body: {} };
    this.requestCount++;
    this.onRequest();
    await this.gate;
    if (this.#trouble.refuseRequests > 0) {
      this.#trouble = { ...this.#trouble, refuseRequests: this.#trouble.refuseRequests - 1 };
      return { status: 503, body: { error: "overloaded" } };
    }
    const lines = body.split("\n").filter((line) => line !== "");
    const items = [];
    for (let line = 0; line < lines.length; line += 2) {
      const { index } = JSON.parse(lines[line] ?? "") as { index: { _id: string } };
      const { _id: id } = index;
      const source = JSON.parse(lines[line + 1] ?? "") as Omit<Document, "id">;
      items.push({ index: { _id: id, status: this.#index({ id, ...source }) } });
    }
    return { status: 200, body: { errors: items.some(({ index }) => index.status > 299), items } };
  }

  /** The status of one document. */
  #index(document: Document): number {
    const { id, level } = document;
    if (!/^[A-Z]+$/.test(level)) return 400;
    const { throttleEach } = this.#trouble;
    if (throttleEach > 0 && !this.#throttled.has(id) && ++this.#seen % throttleEach === 0) {
      this.#throttled.add(id);
      return 429;
    }
    if (this.documents.has(id)) this.repeatedCount++;
    this.documents.set(id, document);
    return 201;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#service?.[Symbol.asyncDispose]();
  }
}
