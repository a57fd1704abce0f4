import { HttpService } from "./http-service.ts";

const PAGES = 120;

/**
 * A site that is made up as it is asked for: page n links to 2n + 1, 2n + 2, back to its parent,
 * to itself, to a page that is missing and to another host. Some pages fail the first time.
 */
export class GeneratedSite implements AsyncDisposable {
  readonly visits: Map<string, number> = new Map();
  #service: HttpService | undefined;

  static readonly pageCount: number = PAGES;
  /** Pages 6, 13, 20 … fail once. */
  static readonly flakyCount: number = Math.floor((PAGES + 1) / 7);
  /** One for each tenth page. */
  static readonly missingCount: number = PAGES / 10;

  static async start(): Promise<GeneratedSite> {
    const site = new GeneratedSite();
    site.#service = await HttpService.start(({ path }) => {
      const visit = (site.visits.get(path) ?? 0) + 1;
      site.visits.set(path, visit);
      const page = /^\/page\/(\d+)$/.exec(path)?.[1];
      if (page === undefined || Number(page) >= PAGES) return { status: 404, body: "no such page" };
      if (Number(page) % 7 === 6 && visit === 1) return { status: 500, body: "try again" };
      return { status: 200, body: render(Number(page)) };
    });
    return site;
  }

  get url(): string {
    return this.#service?.url ?? "";
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#service?.[Symbol.asyncDispose]();
  }
}

function render(page: number): string {
  const targets = [page * 2 + 1, page * 2 + 2, Math.floor((page - 1) / 2), page]
    .filter((target) => target >= 0 && target < PAGES)
    .map((target) => `/page/${target}`);
  if (page % 10 === 0) targets.push(`/missing/${page}`);
  targets.push("https://example.org/elsewhere");
  return targets.map((href) => `<a href="${href}">link</a>`).join("\n");
}
