/** The mistake of broken.ts with a JoinableQueue: a put that can never end is refused, with the cycle. */
import { isUnjamError, JoinableQueue } from "unjam/sync";
import { linksOf } from "./page.ts";
import { serveSite } from "./site.ts";

const site = await serveSite();
const seen = new Set<string>();
const pages = new JoinableQueue<string>({ name: "pages", capacity: 4 });

async function crawl(url: string): Promise<void> {
  for (const link of await linksOf(url)) {
    if (seen.has(link)) continue;
    seen.add(link);
    await pages.put(link, { waitMs: 100 });
  }
}

pages.consume(crawl, { concurrency: 4 });
await pages.put(`${site.url}/page/0`);
const { done, failed, errors } = await pages.join({ waitMs: 10_000 });
pages.close();
await site[Symbol.asyncDispose]();

console.log(`${done} pages crawled, ${failed} failed`);
for (const { error } of errors) {
  if (!isUnjamError(error, "UNJAM_DEADLOCK")) continue;
  console.error(`${error.code}: ${error.message}`);
  process.exitCode = error.exitCode;
  break;
}
