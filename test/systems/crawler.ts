import { giveUp, task, type Task } from "../../src/index.ts";

interface Page {
  readonly url: string;
}

/**
 * Fetches a page and enqueues what it links to on the same host. A page's address is its job's id,
 * so a page that many link to is crawled once.
 */
export const crawl: Task<Page, number> = task(
  "crawl",
  { queue: "pages", attempts: 3, backoff: { firstMs: 5 } },
  async ({ url }: Page, context) => {
    const response = await fetch(url, { signal: context.signal });
    if (response.status === 404) throw giveUp(`${url} does not exist`);
    if (!response.ok) throw new Error(`${url} answered ${response.status}`);
    const links = linksOf(await response.text(), url);
    for (const link of links) await context.enqueue(crawl, { url: link }, { id: idOf(link) });
    return links.length;
  },
);

/** An id has no room for a long address; the path says enough on one host. */
export function idOf(url: string): string {
  return `page ${new URL(url).pathname}`;
}

function linksOf(html: string, base: string): string[] {
  const { origin } = new URL(base);
  return [...html.matchAll(/href="([^"]+)"/g)]
    .map(([, href = ""]) => new URL(href, base))
    .filter((link) => link.origin === origin)
    .map(({ href }) => href);
}
