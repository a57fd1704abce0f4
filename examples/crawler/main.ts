/** Crawls a site. Pages are found while pages are crawled, and join() still knows the end. */
import { JoinableQueue } from "unjam/sync";
import { linksOf } from "./page.ts";
import { serveSite } from "./site.ts";

/** As many pages as a crawl may have: consumers put what they find, so all must fit. */
const PAGES_MAX = 1_000;

const site = await serveSite();
const seen = new Set<string>();
const pages = new JoinableQueue<string>({ name: "pages", capacity: PAGES_MAX });

function found(url: string): void {
  if (seen.has(url) || seen.size === PAGES_MAX) return;
  seen.add(url);
  pages.tryPut(url);
}

pages.consume(async (url) => (await linksOf(url)).forEach(found), { concurrency: 8 });

found(`${site.url}/page/0`);
const { done, failed, errors } = await pages.join({ waitMs: 10_000 });
pages.close();
await site[Symbol.asyncDispose]();

console.log(`${done} pages crawled, ${failed} missing`);
for (const { error } of errors) console.log(`  ${String(error)}`);
